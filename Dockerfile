# syntax=docker/dockerfile:1
# Builds everything from the lock files and ends in a small image that runs as a user without rights.

FROM node:20-bookworm-slim AS node

FROM rust:1.95-bookworm AS build
COPY --from=node /usr/local/bin /usr/local/bin
COPY --from=node /usr/local/lib/node_modules /usr/local/lib/node_modules
WORKDIR /src
COPY rust-toolchain.toml package.json package-lock.json .npmrc Cargo.toml Cargo.lock Makefile ./
COPY scripts scripts
ENV LATCHKEY_TOOLS=/opt/latchkey-tools TOOLS=/opt/latchkey-tools
RUN scripts/install build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target,sharing=locked \
    make build LOCKED=--cargo-locked && mkdir -p /out/data && cp target/release/latchkey deploy/in-tunnel /out/

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 latchkey \
 && useradd --uid 10001 --gid latchkey --no-create-home --home-dir /app --shell /usr/sbin/nologin latchkey
WORKDIR /app
COPY --from=build /out/latchkey /out/in-tunnel ./
COPY --from=build --chown=10001:10001 /out/data /data
USER 10001:10001
ENV DATA_DIR=/data LISTEN_ADDR=0.0.0.0:3000
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=40s CMD ["curl", "-fsS", "--noproxy", "*", "http://127.0.0.1:3000/healthz"]
CMD ["/app/latchkey"]
