/** Writes the dashboards: `npm run dashboards`. A test compares what is committed with what this would write. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../../schema/package-root.ts";
import { businessDashboard } from "./business-dashboard.ts";
import { engineDashboard } from "./engine-dashboard.ts";

const folder = join(packageRoot(), "monitoring", "grafana", "dashboards");

for (const [name, dashboard] of Object.entries({
	engine: engineDashboard(),
	business: businessDashboard(),
})) {
	writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(dashboard, null, "\t")}\n`);
}
