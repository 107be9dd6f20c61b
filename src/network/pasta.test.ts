import { expect, test } from "bun:test";
import type { PublishedPorts } from "../options/publish.ts";
import { privilegedPortProblem } from "./pasta.ts";

const published = (hostFirst: number): PublishedPorts => ({
  hostIp: "",
  hostFirst,
  hostLast: hostFirst,
  containerFirst: 80,
  count: 1,
  protocol: "tcp",
});

test("an ordinary user's ports begin where the machine says", () => {
  expect(privilegedPortProblem([published(8080), published(80)], 1024)).toBe(
    "port 80/tcp of this machine: ports below 1024 are root's: choose another with -p, or have root lower them: sysctl net.ipv4.ip_unprivileged_port_start=80",
  );
  expect(privilegedPortProblem([published(80)], 80)).toBeNull();
  expect(privilegedPortProblem([published(1024)], 1024)).toBeNull();
});

test("a port that the machine chooses is none of root's", () => {
  expect(privilegedPortProblem([published(0)], 1024)).toBeNull();
});
