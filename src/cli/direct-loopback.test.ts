/** What the environment says of proxies, with this machine left out. */
import { expect, test } from "bun:test";
import { reachLoopbackDirectly } from "./direct-loopback.ts";

test("this machine is added where there is a proxy, and nothing is touched where there is none", () => {
  const after = (env: Record<string, string | undefined>) => {
    reachLoopbackDirectly(env);
    return env;
  };
  expect(after({ HOME: "/" })).toEqual({ HOME: "/" });
  const direct = "localhost,127.0.0.1,::1";
  expect(after({ https_proxy: "x" })).toEqual({
    https_proxy: "x",
    NO_PROXY: direct,
    no_proxy: direct,
  });
  expect(after({ HTTP_PROXY: "x", no_proxy: "a.example" })["NO_PROXY"]).toBe(`a.example,${direct}`);
});
