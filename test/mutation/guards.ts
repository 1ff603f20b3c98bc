/** All guards, in the order of the table in docs/mutation.md. */
import type { Guard } from "./guard.ts";
import { ACTOR_GUARDS } from "./guards-actors.ts";
import { ENGINE_GUARDS } from "./guards-engine.ts";
import { POSTGRES_GUARDS } from "./guards-postgres.ts";

export const GUARDS: readonly Guard[] = [...POSTGRES_GUARDS, ...ENGINE_GUARDS, ...ACTOR_GUARDS];
