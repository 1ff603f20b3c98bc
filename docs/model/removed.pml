/* How a guard is switched off: `without(GUARD)` is true when the run removes that guard. Every model numbers its guards with
   `#define NAME number  // guard: what it does`; run.js reads these lines.
   Checked by run.js, the set of removed guards comes from the environment, so that one compiled checker serves many rows.
   Replayed (run.js --trace), it is the constant REMOVED, since Spin's simulator does not run embedded C. */
#ifdef REMOVED
#define without(guard) (((REMOVED) >> (guard)) & 1)
#define READ_REMOVED skip;
#else
c_decl { static int removed; };
#define without(guard) ((c_expr { removed } >> (guard)) & 1)
#define READ_REMOVED c_code { if (getenv("REMOVED")) removed = atoi(getenv("REMOVED")); };
#endif
