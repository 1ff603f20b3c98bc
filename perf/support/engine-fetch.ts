/** What an engine with default settings asks for in a fetch. */
import { fetchBytes } from "../../engine/kafka/fetch-size.ts";

/** The default of IN_FLIGHT_MB_MAX. */
export const IN_FLIGHT_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes of a whole answer, and of one partition in it. */
export const ENGINE_FETCH = fetchBytes(IN_FLIGHT_BYTES_MAX);
