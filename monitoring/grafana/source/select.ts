/**
 * Which series a panel of the engine's dashboard looks at, by the labels they have. Recording rules carry only those of
 * their level: `job:…` has no instance, `topic:…` neither.
 */
export const OF_JOB = 'job=~"$job"';
export const OF_TOPIC = 'job=~"$job", topic=~"$topic"';
export const OF_INSTANCE = 'job=~"$job", instance=~"$instance"';
export const OF_PARTITION = 'job=~"$job", instance=~"$instance", topic=~"$topic"';

/**
 * `expr`, and where it has no series, a 0 as long as an engine answers. Not `or vector(0)`: a source without engines would
 * say that all is well.
 */
export function orZero(expr: string): string {
	return `${expr} or 0 * sum(job:engine_ready:min{${OF_JOB}})`;
}

/** The same for series by one label, which is `none` for the 0. */
export function orNone(expr: string, label: string): string {
	return `${expr} or on () label_replace(0 * sum(job:engine_ready:min{${OF_JOB}}), "${label}", "none", "", "")`;
}
