# docker build --build-arg VERSION=$(git describe --tags --always) -t af-auth .
#
# The image holds the program and the certificates of the authorities, nothing
# to log in to. Secrets come in as files: -e DATABASE_URL_FILE=/run/secrets/…

FROM golang:1.26-bookworm AS build
WORKDIR /src
# The modules change seldom: a layer of their own.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X main.version=${VERSION}" -o /out/af-auth ./cmd/af-auth

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/af-auth /af-auth
# nobody's number in distroless images; there is no /etc/passwd to name it.
USER 65532:65532
# Inside a container the loopback address reaches nobody.
ENV AF_AUTH_LISTEN=:8080
EXPOSE 8080
ENTRYPOINT ["/af-auth"]
CMD ["serve"]
