/** What the sample artifacts are made of. Names are those of well-known packages; their vulnerabilities are invented. */

/** `source: its installed packages | four versions, old to new | how many vulnerabilities it ever had` */
const TABLES = {
  deb: `
    openssl: libssl3 openssl | 1.1.1n-0 3.0.9-1 3.0.11-1 3.0.14-1 | 6
    glibc: libc-bin libc6 | 2.31-13 2.36-7 2.36-8 2.36-9 | 5
    curl: curl libcurl4 | 7.74.0-1 7.88.1-8 7.88.1-10 7.88.1-12 | 6
    systemd: libsystemd0 libudev1 | 247.3-7 252.6-1 252.22-1 252.30-1 | 3
    krb5: libgssapi-krb5-2 libkrb5-3 | 1.18.3-6 1.20.1-1 1.20.1-2 1.20.1-3 | 4
    perl: perl-base | 5.32.1-4 5.36.0-6 5.36.0-7 5.36.0-8 | 3
    zlib: zlib1g | 1.2.11-1 1.2.13-1 1.2.13-2 1.3.1-1 | 2
    gnutls28: libgnutls30 | 3.7.1-5 3.7.9-1 3.7.9-2 3.7.9-3 | 3
    libxml2: libxml2 | 2.9.10-6 2.9.14-1 2.9.14-2 2.9.14-3 | 6
    expat: libexpat1 | 2.2.10-2 2.5.0-1 2.5.0-2 2.6.2-1 | 4
    sqlite3: libsqlite3-0 | 3.34.1-3 3.40.1-1 3.40.1-2 3.46.0-1 | 3
    ncurses: libtinfo6 ncurses-base | 6.2-20 6.4-2 6.4-4 6.5-2 | 2
    util-linux: libblkid1 libmount1 libuuid1 | 2.36.1-8 2.38.1-4 2.38.1-5 2.40.1-1 | 2
    pam: libpam-modules libpam-runtime | 1.4.0-9 1.5.2-6 1.5.2-7 1.5.3-1 | 2
    shadow: login passwd | 4.8.1-1 4.13-1 4.13-2 4.15-1 | 2
    tar: tar | 1.34-1 1.34-2 1.34-3 1.35-1 | 2
    gnupg2: gpgv | 2.2.27-2 2.2.40-1 2.2.40-2 2.2.43-1 | 2
    openldap: libldap-2.5-0 | 2.4.57-3 2.5.13-4 2.5.13-5 2.5.16-1 | 3
    nghttp2: libnghttp2-14 | 1.43.0-1 1.52.0-1 1.52.0-2 1.61.0-1 | 3
    tiff: libtiff6 | 4.2.0-1 4.5.0-5 4.5.0-6 4.5.1-1 | 7
    freetype: libfreetype6 | 2.10.4-1 2.12.1-4 2.12.1-5 2.13.2-1 | 3
    git: git git-man | 2.30.2-1 2.39.1-1 2.39.2-1 2.39.5-1 | 5`,
  apk: `
    openssl: libcrypto3 libssl3 | 3.1.2-r0 3.1.4-r5 3.3.1-r3 3.3.2-r1 | 6
    curl: curl libcurl | 8.2.1-r0 8.5.0-r0 8.9.1-r1 8.11.0-r2 | 6
    busybox: busybox ssl_client | 1.36.1-r2 1.36.1-r15 1.36.1-r29 1.37.0-r8 | 4
    musl: musl musl-utils | 1.2.4-r1 1.2.4-r2 1.2.5-r0 1.2.5-r8 | 2
    zlib: zlib | 1.2.13-r1 1.3-r2 1.3.1-r0 1.3.1-r2 | 2
    expat: libexpat | 2.5.0-r1 2.6.0-r0 2.6.2-r0 2.6.4-r0 | 4
    libxml2: libxml2 | 2.11.4-r0 2.11.8-r0 2.12.7-r0 2.13.4-r3 | 6
    nghttp2: nghttp2-libs | 1.55.1-r0 1.57.0-r0 1.62.1-r0 1.64.0-r0 | 3
    sqlite3: sqlite-libs | 3.41.2-r2 3.44.2-r0 3.45.3-r1 3.48.0-r0 | 3
    nginx: nginx | 1.24.0-r7 1.24.0-r15 1.26.2-r0 1.26.3-r0 | 5
    pcre2: pcre2 | 10.42-r1 10.42-r2 10.43-r0 10.43-r1 | 2
    xz: xz-libs | 5.4.3-r0 5.4.5-r0 5.6.2-r0 5.6.3-r0 | 1
    c-ares: c-ares | 1.19.1-r0 1.27.0-r0 1.28.1-r0 1.34.3-r0 | 3`,
  npm: `
    express: express | 4.17.1 4.18.2 4.19.2 4.21.1 | 3
    lodash: lodash | 4.17.15 4.17.19 4.17.20 4.17.21 | 3
    axios: axios | 0.21.1 0.27.2 1.6.8 1.7.7 | 4
    ws: ws | 7.4.5 8.11.0 8.17.0 8.18.0 | 2
    jsonwebtoken: jsonwebtoken | 8.5.1 9.0.0 9.0.1 9.0.2 | 3
    semver: semver | 5.7.1 7.3.8 7.5.1 7.6.3 | 1
    minimist: minimist | 1.2.0 1.2.5 1.2.6 1.2.8 | 2
    qs: qs | 6.5.2 6.10.3 6.11.0 6.13.0 | 2
    body-parser: body-parser | 1.19.0 1.20.1 1.20.2 1.20.3 | 2
    follow-redirects: follow-redirects | 1.14.0 1.15.2 1.15.5 1.15.9 | 3
    node-forge: node-forge | 0.10.0 1.2.1 1.3.0 1.3.1 | 3
    undici: undici | 5.8.0 5.26.2 6.6.0 6.19.8 | 5
    vite: vite | 3.2.7 4.5.0 5.2.6 5.4.9 | 4
    postcss: postcss | 7.0.35 8.4.14 8.4.30 8.4.47 | 1
    tough-cookie: tough-cookie | 2.5.0 4.0.0 4.1.2 4.1.4 | 1
    xml2js: xml2js | 0.4.19 0.4.23 0.5.0 0.6.2 | 2`,
  pypi: `
    django: django | 3.2.5 4.2.3 4.2.11 5.0.9 | 8
    requests: requests | 2.25.1 2.28.2 2.31.0 2.32.3 | 2
    urllib3: urllib3 | 1.26.5 1.26.15 2.0.6 2.2.3 | 4
    jinja2: jinja2 | 2.11.3 3.1.2 3.1.3 3.1.4 | 4
    cryptography: cryptography | 3.4.7 39.0.1 41.0.6 43.0.1 | 5
    pillow: pillow | 8.3.0 9.5.0 10.0.1 10.4.0 | 6
    pyyaml: pyyaml | 5.3.1 5.4 6.0 6.0.2 | 1
    numpy: numpy | 1.19.5 1.22.0 1.26.4 2.0.2 | 2
    aiohttp: aiohttp | 3.7.4 3.8.5 3.9.2 3.10.10 | 6
    werkzeug: werkzeug | 2.0.1 2.2.3 3.0.1 3.0.4 | 3
    celery: celery | 4.4.7 5.2.2 5.3.6 5.4.0 | 1
    setuptools: setuptools | 57.0.0 65.5.1 68.2.2 75.1.0 | 2`,
  maven: `
    spring-web: org.springframework:spring-web | 5.2.20 5.3.27 6.0.17 6.1.14 | 5
    spring-security: org.springframework.security:spring-security-core | 5.2.4 5.7.8 6.1.7 6.3.4 | 3
    tomcat: org.apache.tomcat.embed:tomcat-embed-core | 9.0.37 9.0.75 10.1.18 10.1.31 | 7
    jackson: com.fasterxml.jackson.core:jackson-databind | 2.9.8 2.12.7 2.14.2 2.17.2 | 8
    netty: io.netty:netty-codec-http2 io.netty:netty-handler | 4.1.50 4.1.94 4.1.108 4.1.114 | 4
    snakeyaml: org.yaml:snakeyaml | 1.25 1.33 2.0 2.3 | 3
    logback: ch.qos.logback:logback-core | 1.2.3 1.2.11 1.4.12 1.5.11 | 2
    commons-compress: org.apache.commons:commons-compress | 1.20 1.21 1.24.0 1.27.1 | 3
    bouncycastle: org.bouncycastle:bcprov-jdk18on | 1.69 1.74 1.77 1.78.1 | 4
    h2: com.h2database:h2 | 1.4.200 2.1.214 2.2.220 2.3.232 | 3
    gson: com.google.code.gson:gson | 2.8.5 2.8.9 2.10.1 2.11.0 | 1
    postgresql: org.postgresql:postgresql | 42.2.14 42.5.1 42.6.1 42.7.4 | 2`,
  golang: `
    stdlib: stdlib | v1.19.4 v1.21.5 v1.22.4 v1.23.2 | 12
    x-net: golang.org/x/net | v0.7.0 v0.17.0 v0.23.0 v0.30.0 | 4
    x-crypto: golang.org/x/crypto | v0.1.0 v0.14.0 v0.17.0 v0.28.0 | 3
    grpc: google.golang.org/grpc | v1.47.0 v1.56.2 v1.60.1 v1.67.1 | 2
    protobuf: google.golang.org/protobuf | v1.28.0 v1.31.0 v1.33.0 v1.35.1 | 1
    jwt: github.com/golang-jwt/jwt/v4 | v4.0.0 v4.4.2 v4.5.0 v4.5.1 | 2
    gin: github.com/gin-gonic/gin | v1.7.2 v1.8.1 v1.9.1 v1.10.0 | 2
    otel: go.opentelemetry.io/otel | v1.10.0 v1.19.0 v1.21.0 v1.31.0 | 1`,
};

export type Ecosystem = keyof typeof TABLES;

/** What is built from one source, and so has the same vulnerabilities. */
export interface Source {
  name: string;
  packages: string[];
  /** Old to new. */
  versions: string[];
  vulnerabilityCount: number;
}

function readTable(table: string): Source[] {
  const words = (text = '') => text.trim().split(' ');
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [, name = '', rest = ''] = /^ *([^:]+): (.*)$/.exec(line) ?? [];
      const [packages, versions, count] = rest.split('|');
      return {
        name,
        packages: words(packages),
        versions: words(versions),
        vulnerabilityCount: Number(count),
      };
    });
}

export const SOURCES: Record<Ecosystem, Source[]> = {
  deb: readTable(TABLES.deb),
  apk: readTable(TABLES.apk),
  npm: readTable(TABLES.npm),
  pypi: readTable(TABLES.pypi),
  maven: readTable(TABLES.maven),
  golang: readTable(TABLES.golang),
};
