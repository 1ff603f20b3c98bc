/** From values to pixels. */

export interface Scale {
	readonly min: number;
	readonly max: number;
	/** Pixel of a value; outside of min and max it is the end of the axis. */
	at(value: number): number;
}

/** A range without extent is drawn in its middle. */
export function linearScale(min: number, max: number, from: number, to: number): Scale {
	return scale(min, max, from, to, (value) => value);
}

/** Both ends must be above 0; so must every value that is more than an end. */
export function logScale(min: number, max: number, from: number, to: number): Scale {
	return scale(min, max, from, to, (value) => Math.log(Math.max(value, Number.MIN_VALUE)));
}

function scale(min: number, max: number, from: number, to: number, of: (value: number) => number): Scale {
	const low = of(min);
	const extent = of(max) - low;
	return {
		min,
		max,
		at(value) {
			const share = extent > 0 ? (of(value) - low) / extent : 0.5;
			return from + Math.min(1, Math.max(0, share)) * (to - from);
		},
	};
}

/** Tenths of a pixel are enough, and half the size of the file. */
export function pixel(value: number): string {
	return String(Math.round(value * 10) / 10);
}
