// The import directions of ARCHITECTURE.md, enforced by `npm run check:imports`.
const named = (name, folder) => ({
	name: `${name}-has-one-folder`,
	comment: `${name} is used behind one folder, so that it can be replaced there`,
	severity: "error",
	from: { pathNot: `^(${folder}|test|perf)/` },
	to: { path: `node_modules/(@types/)?${name}/` },
});

module.exports = {
	forbidden: [
		{ name: "no-circular", severity: "error", from: {}, to: { circular: true } },
		{
			name: "schema-imports-nothing-of-ours",
			severity: "error",
			from: { path: "^schema/" },
			to: { path: "^(engine|workers|producer|monitoring|perf|test)/" },
		},
		{
			name: "workers-import-schema-only",
			severity: "error",
			from: { path: "^workers/" },
			to: { path: "^(engine|producer|monitoring|perf|test)/" },
		},
		{
			name: "monitoring-and-producer-import-schema-only",
			severity: "error",
			from: { path: "^(monitoring|producer)/" },
			to: { path: "^(engine|workers|perf|test)/" },
		},
		{
			name: "producer-not-monitoring",
			severity: "error",
			from: { path: "^producer/" },
			to: { path: "^monitoring/" },
		},
		{
			name: "monitoring-not-producer",
			severity: "error",
			from: { path: "^monitoring/" },
			to: { path: "^producer/" },
		},
		{
			name: "engine-knows-only-the-messages-of-workers",
			comment:
				"the actor's thread entry is reached as a compiled URL, never imported; release and id-hash are leaves that both sides use",
			severity: "error",
			from: { path: "^engine/" },
			to: { path: "^workers/", pathNot: "^workers/(messages|slice|part|copy-layout|release|id-hash)\\.ts$" },
		},
		{
			name: "nothing-imports-tests-or-perf",
			severity: "error",
			from: { pathNot: "^(test|perf)/" },
			to: { path: "^(test|perf)/" },
		},
		{
			name: "perf-drives-from-outside",
			severity: "error",
			from: { path: "^perf/", pathNot: "^perf/(micro|stages)" },
			// Pure leaves that import nothing: checksums, and the size of a fetch, which the bare read must share.
			to: {
				path: "^(engine|workers|monitoring)/",
				pathNot: "^engine/kafka/(crc32c|fetch-size|new-topic)\\.ts$",
			},
		},
		named("kafkajs", "engine/kafka"),
		named("fzstd", "engine/kafka"),
		named("lz4-napi", "engine/kafka"),
		named("snappyjs", "engine/kafka"),
		named("piscina", "engine/actors"),
		named("better-queue", "engine/queues"),
		named("pg", "engine/sink"),
		named("pg-copy-streams", "engine/sink"),
		named("prom-client", "monitoring"),
		named("typebox", "schema"),
		named("ajv", "schema"),
	],
	options: {
		tsConfig: { fileName: "tsconfig.json" },
		tsPreCompilationDeps: true,
		doNotFollow: { path: "node_modules" },
		exclude: { path: "^dist" },
		enhancedResolveOptions: {
			exportsFields: ["exports"],
			conditionNames: ["import", "require", "node", "default", "types"],
		},
	},
};
