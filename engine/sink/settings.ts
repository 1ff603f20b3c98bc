/** How Postgres is reached: one URL, or the parts libpq knows as `PG*`. */
export type PostgresSettings =
	| { readonly connectionString: string }
	| {
			readonly host: string;
			readonly port: number;
			readonly user: string;
			readonly password: string | undefined;
			readonly database: string;
			/** False: not encrypted. `rejectUnauthorized` false: encrypted, the certificate is not checked (`require`). */
			readonly ssl: false | { readonly rejectUnauthorized: boolean; readonly ca?: string };
	  };
