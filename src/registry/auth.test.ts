/** Who gets to see the credentials, and who does not. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { openStore, type Store } from "../image/store.ts";
import { isRoot } from "../image/testing/fixture.ts";
import { simple } from "../image/testing/image.ts";
import { parseChallenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { checkLogin } from "./login.ts";
import { answer, FakeRegistry, refuse, type Trick } from "./testing/fake-registry.ts";
import { failureOf, impatient, pull, pullOptions } from "./testing/pulling.ts";
import { basicAuthorization, fetchToken, type TokenRequest } from "./token.ts";

const alice: Credentials = { kind: "password", username: "alice", password: "s:e cret" };
const basic = basicAuthorization("alice", "s:e cret");

test("challenges", () => {
  const bearer = {
    scheme: "bearer" as const,
    realm: "https://a/t",
    service: "a, b",
    scope: "x:y:pull",
  };
  expect(
    parseChallenge('Bearer realm="https://a/t",service="a, b", scope="x:y:pull",error="e"'),
  ).toEqual(bearer);
  expect(
    parseChallenge('Basic realm="b", bearer Realm="https://a/t" , SERVICE="a, b",scope=x:y:pull'),
  ).toEqual(bearer);
  expect(parseChallenge('Basic realm="say \\"hi\\""')).toEqual({ scheme: "basic" });
  expect(parseChallenge("basic")).toEqual({ scheme: "basic" });
  for (const none of [null, "", "Negotiate abc==", 'Bearer service="x"', "=,,=", "a".repeat(1e5)]) {
    expect(parseChallenge(none)).toBeUndefined();
  }
});

describe("where tokens are had", () => {
  const refusal = async (registry: string, realm: string, more: Partial<TokenRequest> = {}) =>
    (
      await failureOf(
        fetchToken({
          challenge: { scheme: "bearer", realm, service: undefined, scope: undefined },
          scopes: [],
          credentials: alice,
          registry: new URL(registry),
          isUnverified: false,
          patience: impatient,
          ...more,
        }),
      )
    ).message;

  test("not without encryption, not on this machine, not at what is no address", async () => {
    const registry = "https://registry.example/";
    expect(await refusal(registry, "http://auth.example/t")).toBe(
      'registry.example says that tokens are to be had at "http://auth.example/t", which is not encrypted: not asked',
    );
    expect(await refusal(registry, "http://registry.example/t")).toContain("not encrypted");
    for (const realm of ["http://127.0.0.1/t", "https://localhost:8443/t", "https://[::1]/t"]) {
      expect(await refusal(registry, realm)).toContain("is this machine: not asked");
    }
    expect(await refusal(registry, "ftp://auth.example/")).toContain("only https");
    expect(await refusal(registry, "no address")).toContain("no address");
  });

  test("not at a realm that a plain registry names elsewhere", async () => {
    const insecure = { isUnverified: true };
    expect(await refusal("http://10.0.0.5:5000/", "https://evil.example/t", insecure)).toContain(
      "is not encrypted itself: not asked",
    );
    expect(await refusal("http://10.0.0.5:5000/", "http://evil.example/t", insecure)).toContain(
      "not encrypted",
    );
  });
});

describe.skipIf(!isRoot)("logins (need root: owners are kept)", () => {
  let directory = "";
  let store: Store;
  let registry: FakeRegistry;
  let tokens: FakeRegistry;
  const name = () => `${registry.host}/team/app:1`;

  beforeEach(async () => {
    directory = mkdtempSync(`${tmpdir()}/pivot-auth-`);
    store = openStore(`${directory}/store`);
    [registry, tokens] = await Promise.all([FakeRegistry.start(), FakeRegistry.start()]);
    registry.add(simple, "team/app:1");
  });
  afterEach(async () => {
    await Promise.all([registry.stop(), tokens.stop()]);
    rmSync(directory, { recursive: true });
  });

  /** Lets in who has the right header, and says to others where it is to be had. */
  const guard = (authorization: () => string, challenge: string): Trick => {
    return (asked, response) => {
      if (asked.headers.authorization === authorization()) return false;
      response.setHeader("WWW-Authenticate", challenge);
      return refuse(response, 401, "UNAUTHORIZED");
    };
  };
  let token = "t0";
  const guardByToken = () => {
    token = "t0";
    const challenge = `Bearer realm="http://${tokens.host}/token",service="the registry"`;
    registry.tricks.push(guard(() => `Bearer ${token}`, challenge));
  };
  const serveTokens = (allow: (asked: Parameters<Trick>[0]) => boolean) =>
    tokens.tricks.push((asked, response) =>
      allow(asked)
        ? answer(response, 200, {}, JSON.stringify({ token }))
        : answer(response, 401, {}, JSON.stringify({ details: "incorrect password" })),
    );

  test("a password for whoever asks for one", async () => {
    registry.tricks.push(guard(() => basic, 'Basic realm="r"'));
    await pull(store, name(), pullOptions(alice));
    expect((await failureOf(pull(openStore(`${directory}/2`), name()))).message).toBe(
      `cannot get manifest of ${name()}: ${registry.host} answers 401 "UNAUTHORIZED: unauthorized": ` +
        `it is not there, or not for everybody; \`pivot login ${registry.host}\` says who you are`,
    );
  });

  test("a token for whoever asks for one, once for all requests", async () => {
    guardByToken();
    serveTokens(({ headers }) => headers.authorization === basic);
    await pull(store, name(), pullOptions(alice));
    expect(tokens.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /token?service=the+registry&scope=repository%3Ateam%2Fapp%3Apull&account=alice",
    ]);
    // The password went to where tokens are had, and not to the registry.
    expect(registry.asked.every(({ headers }) => headers.authorization !== basic)).toBe(true);
  });

  test("a token as nobody, and one that runs out", async () => {
    guardByToken();
    serveTokens(() => true);
    registry.tricks.unshift(({ path }) => {
      if (path.includes("/blobs/") && token === "t0") token = "t1";
      return false;
    });
    await pull(store, name());
    expect(tokens.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    expect(tokens.asked.length).toBeGreaterThan(1);
  });

  test("an identity token in place of a password", async () => {
    guardByToken();
    serveTokens(({ method, body }) => {
      const form = new URLSearchParams(body.toString());
      return method === "POST" && form.get("refresh_token") === "id en tity";
    });
    await pull(store, name(), pullOptions({ kind: "identity", token: "id en tity" }));
    expect(new URLSearchParams(tokens.asked[0]?.body.toString()).get("scope")).toBe(
      "repository:team/app:pull",
    );
  });

  test("a wrong password, a server that is busy, and a token that is no token", async () => {
    guardByToken();
    serveTokens(() => false);
    expect(await failureOf(pull(store, name(), pullOptions(alice)))).toMatchObject({
      code: "unauthorized",
      message: `${registry.host} refuses the login: 401 "incorrect password"`,
    });
    tokens.tricks.length = 0;
    tokens.trick(/token/, 2, (_, response) => refuse(response, 503, "BUSY"));
    serveTokens(() => true);
    await pull(store, name());
    for (const [bad, words] of [
      ['{"token":"a\\r\\nX-Evil: 1"}', "holds a token that no header can hold"],
      ['{"token":""}', "holds no token"],
      ["[]", "must be an object"],
    ] as const) {
      tokens.tricks.length = 0;
      tokens.trick(/token/, 9, (_, response) => answer(response, 200, {}, bad));
      const failure = await failureOf(pull(openStore(`${directory}/3`), name()));
      expect(failure.message).toContain(words);
    }
  });

  test("another origin gets no credentials, neither by redirect nor by coming back", async () => {
    registry.tricks.push((asked, response) => {
      if (asked.headers.host !== registry.host || !asked.path.includes("/blobs/")) return false;
      const Location = `http://${registry.otherHost}/elsewhere${asked.path}`;
      return answer(response, 307, { Location });
    });
    registry.tricks.push((asked, response) => {
      if (!asked.path.startsWith("/elsewhere")) return false;
      const blob = registry.blobs.get(asked.path.replace(/^.*\//, ""));
      return answer(response, 200, {}, blob);
    });
    registry.tricks.unshift((asked, response) => {
      const isOpen = asked.path.startsWith("/elsewhere");
      return !isOpen && guard(() => basic, "Basic")(asked, response);
    });
    await pull(store, name(), pullOptions(alice));
    const elsewhere = registry.asked.filter(({ path }) => path.startsWith("/elsewhere"));
    expect(elsewhere).toHaveLength(3);
    expect(elsewhere.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  test("logging in asks the registry", async () => {
    registry.tricks.push(guard(() => basic, 'Basic realm="r"'));
    const options = pullOptions();
    expect(await checkLogin(registry.host, alice, options)).toEqual(alice);
    const mallory = { ...alice, password: "guess" };
    expect((await failureOf(checkLogin(registry.host, mallory, options))).message).toBe(
      `${registry.host} refuses the login: 401 "UNAUTHORIZED: unauthorized"`,
    );
    registry.tricks.length = 0;
    guardByToken();
    tokens.trick(/offline_token=true/, 1, (_, response) =>
      answer(response, 200, {}, '{"access_token":"t0","refresh_token":"identity"}'),
    );
    expect(await checkLogin(registry.host, alice, options)).toEqual({
      kind: "identity",
      token: "identity",
    });
    registry.tricks.length = 0;
    registry.trick(/v2/, 9, (_, response) => answer(response, 404));
    expect((await failureOf(checkLogin(registry.host, alice, options))).message).toBe(
      `${registry.host} answers, but not as a registry does`,
    );
  });
});
