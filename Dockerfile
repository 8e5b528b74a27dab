# Built by hand: docker build -t rolecall:0.1.0 . The release pins both images by their digests.
ARG NODE_IMAGE=docker.io/library/node:26-trixie-slim
ARG BASE_IMAGE=gcr.io/distroless/cc-debian13:nonroot

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci
COPY src ./src
COPY deploy/package ./deploy/package
# The command by its name, also for "kubectl exec": there is no shell, and no env. And libatomic, which
# Node.js is linked to since 25, and the base image lacks. Source maps, which are there for who turns them
# on (NODE_OPTIONS), take 30 MB.
# In a container of 512 MiB Node.js makes the space for new objects so small (1 MiB on Node 24) that each
# call's are copied while it lasts, and a call costs up to half as much again.
RUN npm run build \
 && printf '#!/usr/local/bin/node --max-semi-space-size=16\nimport "/app/dist/rolecall.js"\n' > rolecall \
 && chmod 0755 rolecall \
 && mkdir libraries \
 && ldd /usr/local/bin/node | awk '/libatomic/ { print $3 }' | xargs -r -I LIBRARY cp -L LIBRARY libraries/

# No shell, no package manager: Node.js, what it is linked to, and certificates.
FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rolecall" \
      org.opencontainers.image.description="OAuth/OIDC token-passthrough reverse proxy for Kubernetes MCP servers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production \
    ROLECALL__LISTEN=0.0.0.0:8080 \
    ROLECALL__ADMIN_LISTEN=0.0.0.0:9090
WORKDIR /app
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /app/libraries/ /usr/lib/
COPY --from=build /app/package.json ./
COPY --from=build /app/dist ./dist
COPY --from=build /app/rolecall /usr/local/bin/rolecall
USER 1000:1000
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:9090/livez').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["rolecall"]
CMD ["serve"]
