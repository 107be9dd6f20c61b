/** Credentials in files of docker and podman, and by credential programs. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { type Credentials, credentialFinder } from "./credentials.ts";
import { forgetCredentials, keepCredentials } from "./login.ts";
import { failureOf } from "./testing/pulling.ts";

let directory = "";
let count = 0;
const path = process.env["PATH"] ?? "";

beforeAll(() => {
  directory = mkdtempSync(`${tmpdir()}/pivot-credentials-`);
  // Keeps a secret in a file of its own; $1 is what to do with it.
  const helper = `#!/bin/sh
read -r line
case $1 in
  get) [ "$line" = "$(cat ${directory}/server)" ] && cat ${directory}/secret && exit
    echo "credentials not found in native keychain"; exit 1 ;;
  store) printf %s "$line" > ${directory}/stored ;;
  erase) printf %s "$line" > ${directory}/erased ;;
esac
`;
  writeFileSync(`${directory}/docker-credential-box`, helper, { mode: 0o755 });
  writeFileSync(`${directory}/docker-credential-broken`, "#!/bin/sh\necho locked >&2\nexit 3\n", {
    mode: 0o755,
  });
  process.env["PATH"] = `${directory}:${path}`;
});
afterAll(() => {
  process.env["PATH"] = path;
  rmSync(directory, { recursive: true });
});

const base64 = (text: string) => Buffer.from(text).toString("base64");
const alice: Credentials = { kind: "password", username: "alice", password: "se:cret" };

/** Files as somebody may have them, and the environment that leads there. */
function environment(files: { docker?: object; podman?: object; explicit?: object }) {
  const home = `${directory}/home-${count++}`;
  mkdirSync(`${home}/.docker`, { recursive: true });
  mkdirSync(`${home}/run/containers`, { recursive: true });
  const write = (name: string, content: object | undefined) => {
    if (content !== undefined) writeFileSync(`${home}/${name}`, JSON.stringify(content));
  };
  write(".docker/config.json", files.docker);
  write("run/containers/auth.json", files.podman);
  write("explicit.json", files.explicit);
  return {
    HOME: home,
    XDG_RUNTIME_DIR: `${home}/run`,
    ...(files.explicit === undefined ? {} : { REGISTRY_AUTH_FILE: `${home}/explicit.json` }),
  };
}

const find = (files: Parameters<typeof environment>[0], registry: string, repository = "a/b") =>
  credentialFinder(environment(files))(registry, repository);

test("none", async () => {
  expect(await find({}, "quay.io")).toBeUndefined();
  expect(await find({ docker: {} }, "quay.io")).toBeUndefined();
  expect(await find({ docker: { auths: { "quay.io": {} } } }, "quay.io")).toBeUndefined();
});

test("the keys that docker, podman and people write", async () => {
  const auth = base64("alice:se:cret");
  const cases: readonly (readonly [key: string, registry: string])[] = [
    ["quay.io", "quay.io"],
    ["https://quay.io", "quay.io"],
    ["https://quay.io/v1/", "quay.io"],
    ["127.0.0.1:5000", "127.0.0.1:5000"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["docker.io", "docker.io"],
    ["index.docker.io", "docker.io"],
  ];
  for (const [key, registry] of cases) {
    expect(await find({ docker: { auths: { [key]: { auth } } } }, registry)).toEqual(alice);
    expect(await find({ podman: { auths: { [key]: { auth } } } }, registry)).toEqual(alice);
    expect(await find({ docker: { auths: { [key]: { auth } } } }, "other.io")).toBeUndefined();
    expect(await find({ docker: { auths: { [key]: { auth } } } }, `x${registry}`)).toBeUndefined();
  }
  // A port is part of the host: nobody else's credentials are sent there.
  const docker = { auths: { localhost: { auth } } };
  expect(await find({ docker }, "localhost:5000")).toBeUndefined();
});

test("the nearest of podman's, and the file that was named", async () => {
  const entry = (user: string) => ({ auth: base64(`${user}:x`) });
  const podman = {
    auths: { "quay.io": entry("all"), "quay.io/team": entry("team"), "quay.io/a/b": entry("one") },
  };
  const userOf = (found: Credentials | undefined) =>
    found?.kind === "password" ? found.username : undefined;
  expect(userOf(await find({ podman }, "quay.io", "a/b"))).toBe("one");
  expect(userOf(await find({ podman }, "quay.io", "team/x/y"))).toBe("team");
  expect(userOf(await find({ podman }, "quay.io", "teams"))).toBe("all");
  const only = { auths: { "quay.io/team": entry("team") } };
  expect(await find({ podman: only }, "quay.io", "other")).toBeUndefined();
  const docker = { auths: { "quay.io": entry("docker") } };
  expect(userOf(await find({ podman, docker }, "quay.io"))).toBe("docker");
  const explicit = { auths: { "quay.io": entry("explicit") } };
  expect(userOf(await find({ podman, docker, explicit }, "quay.io"))).toBe("explicit");
});

test("identity tokens, and what is broken", async () => {
  const docker = { auths: { "quay.io": { auth: base64("x:"), identitytoken: "id" } } };
  expect(await find({ docker }, "quay.io")).toEqual({ kind: "identity", token: "id" });
  const broken = { auths: { "quay.io": { auth: "???" } } };
  expect((await failureOf(find({ docker: broken }, "quay.io"))).message).toContain(
    'auths["quay.io"].auth is not the base64 of USER:PASSWORD: log in again',
  );
  const env = environment({});
  writeFileSync(`${env.HOME}/.docker/config.json`, "{");
  expect((await failureOf(credentialFinder(env)("quay.io", ""))).message).toMatch(
    /config\.json: it is not JSON in UTF-8$/,
  );
});

test("credential programs", async () => {
  writeFileSync(`${directory}/server`, "quay.io");
  writeFileSync(`${directory}/secret`, '{"Username":"alice","Secret":"se:cret"}');
  expect(await find({ docker: { credsStore: "box" } }, "quay.io")).toEqual(alice);
  expect(await find({ docker: { credHelpers: { "quay.io": "box" } } }, "quay.io")).toEqual(alice);
  expect(await find({ docker: { credHelpers: { "quay.io": "box" } } }, "a.io")).toBeUndefined();
  expect(await find({ docker: { credsStore: "box" } }, "a.io")).toBeUndefined();
  writeFileSync(`${directory}/secret`, '{"Username":"<token>","Secret":"id"}');
  expect(await find({ docker: { credsStore: "box" } }, "quay.io")).toEqual({
    kind: "identity",
    token: "id",
  });
  const say = async (credsStore: string) =>
    (await failureOf(find({ docker: { credsStore } }, "quay.io"))).message;
  expect(await say("broken")).toBe('docker-credential-broken get ended with status 3: "locked"');
  expect(await say("nowhere")).toBe(
    "cannot start the credential helper docker-credential-nowhere: it is not installed",
  );
  expect(await say("../../bin/sh")).toContain("cannot be the name of a credential helper");
});

test("logging in writes what others read, and logging out takes it away", async () => {
  const env = environment({ docker: { HttpHeaders: { a: "b" }, auths: { "other.io": {} } } });
  const file = `${env.HOME}/.docker/config.json`;
  chmodSync(file, 0o644);
  const kept = await keepCredentials("quay.io", alice, env);
  expect(kept).toEqual({ file, helper: undefined });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({
    HttpHeaders: { a: "b" },
    auths: { "other.io": {}, "quay.io": { auth: base64("alice:se:cret") } },
  });
  await keepCredentials("docker.io", { kind: "identity", token: "id" }, env);
  const found = credentialFinder(env);
  expect(await found("quay.io", "")).toEqual(alice);
  expect(await found("docker.io", "library/x")).toEqual({ kind: "identity", token: "id" });
  expect(readdirSync(`${env.HOME}/.docker`)).toEqual(["config.json"]);
  expect(await forgetCredentials("docker.io", env)).toBe(true);
  expect(await forgetCredentials("docker.io", env)).toBe(false);
  expect(await found("docker.io", "library/x")).toBeUndefined();
  expect(await found("quay.io", "")).toEqual(alice);
});

test("a directory is made, a link stays a link, and a program keeps the secret", async () => {
  const env = { DOCKER_CONFIG: `${directory}/new/docker` };
  await keepCredentials("quay.io", alice, env);
  expect(statSync(env.DOCKER_CONFIG).mode & 0o777).toBe(0o700);
  const real = `${directory}/real.json`;
  writeFileSync(real, '{"credsStore":"box"}');
  const linked = { DOCKER_CONFIG: `${directory}/linked` };
  mkdirSync(linked.DOCKER_CONFIG);
  symlinkSync(real, `${linked.DOCKER_CONFIG}/config.json`);
  expect((await keepCredentials("docker.io", alice, linked)).helper).toBe("box");
  expect(readlinkSync(`${linked.DOCKER_CONFIG}/config.json`)).toBe(real);
  expect(JSON.parse(readFileSync(`${directory}/stored`, "utf8"))).toEqual({
    ServerURL: "https://index.docker.io/v1/",
    Username: "alice",
    Secret: "se:cret",
  });
  expect(readFileSync(real, "utf8")).not.toContain(base64("alice:se:cret"));
  expect(await forgetCredentials("docker.io", linked)).toBe(true);
  expect(readFileSync(`${directory}/erased`, "utf8")).toBe("https://index.docker.io/v1/");
});
