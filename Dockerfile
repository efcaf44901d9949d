# The server in a container: `docker build -t parlor-server .`. What to give it is in
# docs/operations.md. `server/deploy/try-dockerfile` does without a container what is done here.

FROM rust:1.94-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p parlor-server

# Of the same release as above, so that it has the C library that was linked.
FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/parlor parlor
COPY --from=build /src/target/release/parlor-server /usr/local/bin/parlor-server
USER 10001
WORKDIR /var/lib/parlor
VOLUME /var/lib/parlor
EXPOSE 4000
ENTRYPOINT ["parlor-server"]
CMD ["--listen", "0.0.0.0:4000"]
