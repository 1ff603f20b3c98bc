/**
 * Batches as the Java producer of Kafka 4.4.0 wrote them, read from the broker's log: twelve events of three users in
 * partition 0 from offset 0 on, under every compression it knows.
 */
const BASE64 = {
	none: [
		"AAAAAAAAAAAAAAN7AAAAAAJ0B3RYAAAAAAALAAABlytc7gAAAAGXK1zuCwAAAAAAAAAAAAAAAAAAAAAADIgBAAAADHVzZXJfMHB7",
		"ImV2ZW50X3R5cGUiOiJsb2dpbiIsInVzZXJfaWQiOiJ1c2VyXzAiLCJzZXNzaW9uX2lkIjowfQCIAQACAgx1c2VyXzFweyJldmVu",
		"dF90eXBlIjoibG9naW4iLCJ1c2VyX2lkIjoidXNlcl8xIiwic2Vzc2lvbl9pZCI6MX0AiAEABAQMdXNlcl8ycHsiZXZlbnRfdHlw",
		"ZSI6ImxvZ2luIiwidXNlcl9pZCI6InVzZXJfMiIsInNlc3Npb25faWQiOjJ9AIgBAAYGDHVzZXJfMHB7ImV2ZW50X3R5cGUiOiJs",
		"b2dpbiIsInVzZXJfaWQiOiJ1c2VyXzAiLCJzZXNzaW9uX2lkIjozfQCIAQAICAx1c2VyXzFweyJldmVudF90eXBlIjoibG9naW4i",
		"LCJ1c2VyX2lkIjoidXNlcl8xIiwic2Vzc2lvbl9pZCI6NH0AiAEACgoMdXNlcl8ycHsiZXZlbnRfdHlwZSI6ImxvZ2luIiwidXNl",
		"cl9pZCI6InVzZXJfMiIsInNlc3Npb25faWQiOjV9AIgBAAwMDHVzZXJfMHB7ImV2ZW50X3R5cGUiOiJsb2dpbiIsInVzZXJfaWQi",
		"OiJ1c2VyXzAiLCJzZXNzaW9uX2lkIjo2fQCIAQAODgx1c2VyXzFweyJldmVudF90eXBlIjoibG9naW4iLCJ1c2VyX2lkIjoidXNl",
		"cl8xIiwic2Vzc2lvbl9pZCI6N30AiAEAEBAMdXNlcl8ycHsiZXZlbnRfdHlwZSI6ImxvZ2luIiwidXNlcl9pZCI6InVzZXJfMiIs",
		"InNlc3Npb25faWQiOjh9AIgBABISDHVzZXJfMHB7ImV2ZW50X3R5cGUiOiJsb2dpbiIsInVzZXJfaWQiOiJ1c2VyXzAiLCJzZXNz",
		"aW9uX2lkIjo5fQCKAQAUFAx1c2VyXzFyeyJldmVudF90eXBlIjoibG9naW4iLCJ1c2VyX2lkIjoidXNlcl8xIiwic2Vzc2lvbl9p",
		"ZCI6MTB9AIoBABYWDHVzZXJfMnJ7ImV2ZW50X3R5cGUiOiJsb2dpbiIsInVzZXJfaWQiOiJ1c2VyXzIiLCJzZXNzaW9uX2lkIjox",
		"MX0A",
	].join(""),
	gzip: [
		"AAAAAAAAAAAAAADrAAAAAAJJqxR3AAEAAAALAAABlytc7gAAAAGXK1zuCwAAAAAAAAABAAAAAAAAAAAADB+LCAAAAAAAAP+l0k0K",
		"gzAQhuFRRERERMQDZN1Fkv73Mm4aiiAqxhZKcS89dcPEVVahs/0SHnhh1gAAsqdWU8PHD1Mv1c/N/B4Vu7FueLQ92zF8be9msf/M",
		"pJXW7dDjyhdYAwhDqwhPRTiKQCWKrCI9FekoEpU4phXtUUkSWtEBlTSlFR1RyTJa0QmVPKcVnVEpClrRBZWypBVdF/gGUFVb0fTn",
		"1XFk6npL8mTcJGGu9wdEWeywSgMAAA==",
	].join(""),
	snappy: [
		"AAAAAAAAAAAAAAEqAAAAAAID6wBrAAIAAAALAAABlytc7gAAAAGXK1zuCwAAAAAAAAACAAAAAAAAAAAADIJTTkFQUFkAAAAAAQAA",
		"AAEAAADlygaQiAEAAAAMdXNlcl8wcHsiZXZlbnRfdHlwZSI6ImxvZ2luIiwidQEeDGlkIjoJCigwIiwic2Vzc2lvbgUWHDB9AIgB",
		"AAICCUYAMZpGAAAxOkYAADEFRgQEBAlGADKaRgAAMjpGAAAyBUYEBgYJRt7SAAAzBUYECAgJRt7SAAA0BUYECgoJRt7SAAA1BUYE",
		"DAwJRt7SAAA2BUYEDg4JRt7SAAA3BUYEEBAJRt7SAAA4BUYEEhIJRt7SABw5fQCKAQAUFAlGBDFylrwCQnYCADAFRwQWFglHADKa",
		"RwA+dwIMMTF9AA==",
	].join(""),
	lz4: [
		"AAAAAAAAAAAAAAEpAAAAAAKxvmD/AAMAAAALAAABlytc7gAAAAGXK1zuCwAAAAAAAAADAAAAAAAAAAAADAQiTRhgQILpAAAA8RWI",
		"AQAAAAx1c2VyXzBweyJldmVudF90eXBlIjoibG9naW4iLCIeAEJpZCI6CgCxMCIsInNlc3Npb24WAIIwfQCIAQACAkYAHzFGABQb",
		"MUYAETFGACIEBEYAHzJGABQbMkYAETJGACIGBkYAD9IAJREzRgAiCAhGAA/SACURNEYAIgoKRgAP0gAlETVGACIMDEYAD9IAJRE2",
		"RgAiDg5GAA/SACURN0YAIhAQRgAP0gAlEThGACISEkYAD9IAJYI5fQCKAQAUFEYALzFyvAITDXYCETBHACIWFkcAHzJHABQLdwJQ",
		"OjExfQAAAAAA",
	].join(""),
	zstd: [
		"AAAAAAAAAAAAAADzAAAAAAJQ5EdvAAQAAAALAAABlytc7gAAAAGXK1zuCwAAAAAAAAAEAAAAAAAAAAAADCi1L/0AWLQFAJJHGx9g",
		"qXMSUFBl7JsFGdwIAAASQrdEK/GgGJjNbH53+UQGOt8NQfxffx5tDZ0FZschdDfN4GcYAbNzge5lAfyKIjEnSXcjyP/j0Jbp5FhB",
		"KZ/caHlaA9xoIzxUiJ32WQuMwuJTvGVYTF1PJpyqtiwtIMCT5Igo1xErLXas14bYiXIjtqwT5UJsWSfKhdiyTpQLsWWdKBdiyzpR",
		"LsSWdaJciC3rRLkQW9aJLzdJyJM034aEod1PAQAA",
	].join(""),
} as const;

export type JavaCompression = keyof typeof BASE64;

export const JAVA_COMPRESSIONS = Object.keys(BASE64) as JavaCompression[];

/** A copy, to be changed at will. */
export function javaBatch(compression: JavaCompression): Buffer {
	return Buffer.from(BASE64[compression], "base64");
}

/** What the producer was given, in its order. */
export const JAVA_RECORDS: readonly { readonly key: string; readonly value: string }[] = Array.from(
	{ length: 12 },
	(_, index) => ({
		key: `user_${index % 3}`,
		value: `{"event_type":"login","user_id":"user_${index % 3}","session_id":${index}}`,
	}),
);
