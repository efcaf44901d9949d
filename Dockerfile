# syntax=docker/dockerfile:1
# The server in a container: `docker build -t parlor-server .`. What to give it is in
# docs/operations.md. `server/deploy/try-dockerfile` does without a container what is done here.

FROM rust:1.94-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches keep compiled dependencies from build to build (BuildKit, the default since Docker 23).
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target cargo build --release --locked -p parlor-server && cp target/release/parlor-server .

# Of the same release as above, so that it has the C library that was linked.
FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/parlor parlor
COPY --from=build /src/parlor-server /usr/local/bin/parlor-server
USER 10001
WORKDIR /var/lib/parlor
VOLUME /var/lib/parlor
EXPOSE 4000
# Below flags and above the file: so it can be reached from outside the container with `--config` too.
ENV PARLOR_LISTEN=0.0.0.0:4000
HEALTHCHECK --interval=10s --timeout=10s --start-period=10s CMD ["parlor-server", "--health"]
ENTRYPOINT ["parlor-server"]
