# syntax=docker/dockerfile:1
# Builds everything from the lock files, and produces a small image that runs as an unprivileged user.

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

# Only for the compose profiles `tunnel` and `tunnel-cloudflared`: in-tunnel needs curl to ask the tunnel for its address.
FROM debian:bookworm-slim AS tunnel
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=build /out/latchkey /out/in-tunnel ./
COPY --from=build --chown=10001:10001 /out/data /data
USER 10001:10001
ENV DATA_DIR=/data LISTEN_ADDR=0.0.0.0:3000 SQLITE_TMPDIR=/data
CMD ["/app/in-tunnel"]

# Files from Debian: the libraries that the program is linked to, certificates, and the configuration of name lookups.
FROM debian:bookworm-slim AS system
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libgcc-s1
COPY --from=build /out/latchkey /app/latchkey
RUN mkdir -p /system/etc \
 && ldd /app/latchkey | grep -o '/[^ ]*' | xargs -I{} cp -L --parents {} /system \
 && cp --parents /etc/ssl/certs/ca-certificates.crt /system \
 && echo 'hosts: files dns' > /system/etc/nsswitch.conf \
 && echo 'latchkey:x:10001:10001::/app:/usr/sbin/nologin' > /system/etc/passwd \
 && echo 'latchkey:x:10001:' > /system/etc/group

# The image contains nothing else: no shell, no package manager.
FROM scratch
COPY --from=system /system /
COPY --from=build /out/latchkey /app/
COPY --from=build --chown=10001:10001 /out/data /data
WORKDIR /app
USER 10001:10001
# Fails if a library is missing.
RUN ["/app/latchkey", "--version"]
# SQLite sorts large results in a temporary file; /data is the only writable place.
ENV DATA_DIR=/data LISTEN_ADDR=0.0.0.0:3000 SQLITE_TMPDIR=/data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=40s CMD ["/app/latchkey", "health"]
CMD ["/app/latchkey"]
