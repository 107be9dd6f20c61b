/** Whose certificates are taken, and whose are not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Endpoint } from "./address.ts";
import { authoritiesOf } from "./certificates.ts";
import { RegistryClient } from "./client.ts";
import { failureOf, impatient } from "./testing/pulling.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-tls-`);
const made = spawnSync(
  "openssl",
  "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -days 2".split(
    " ",
  ),
  { cwd: directory },
);
const why = made.status === 0 ? undefined : "openssl is not there to make a certificate";
afterAll(() => rmSync(directory, { recursive: true }));

describe.skipIf(why !== undefined)(`certificates (${why ?? "of our own"})`, () => {
  let server: Bun.Server<undefined>;
  let host = "";
  beforeAll(() => {
    server = Bun.serve({
      port: 0,
      tls: {
        key: readFileSync(`${directory}/key.pem`, "utf8"),
        cert: readFileSync(`${directory}/cert.pem`, "utf8"),
      },
      fetch: () => new Response("", { status: 200 }),
    });
    host = `localhost:${server.port}`;
  });
  afterAll(() => server.stop(true));

  /** Reaches the server as if it were not on this machine. */
  const reach = (endpoint: Partial<Endpoint>, authorities?: readonly string[]) =>
    new RegistryClient(
      { host, name: host, schemes: ["https"], isUnverified: false, ...endpoint },
      "",
      [],
      {
        findCredentials: async () => undefined,
        patience: impatient,
        authoritiesOf: () => authorities,
      },
    ).reach();

  test("a stranger's is refused", async () => {
    expect(await failureOf(reach({}))).toMatchObject({
      code: "untrusted",
      message: expect.stringMatching(/^cannot reach localhost:\d+: its certificate is not trusted/),
    });
  });

  test("one of a registry that may be insecure is not looked at", async () => {
    const { base } = await reach({ schemes: ["https", "http"], isUnverified: true });
    expect(base.protocol).toBe("https:");
  });

  test("one that a directory of docker's names is taken", async () => {
    mkdirSync(`${directory}/certs.d/${host}`, { recursive: true });
    copyFileSync(`${directory}/cert.pem`, `${directory}/certs.d/${host}/ca.crt`);
    const known = authoritiesOf(host, [`${directory}/nowhere`, `${directory}/certs.d`]);
    expect((await reach({}, known)).base.host).toBe(host);
    expect(authoritiesOf("other:443", [`${directory}/certs.d`])).toBeUndefined();
  });
});
