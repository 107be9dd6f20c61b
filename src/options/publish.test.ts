import { expect, test } from "bun:test";
import { formatOptionProblem } from "./problem.ts";
import { type ExposedPorts, type PublishedPorts, parseExpose, parsePublish } from "./publish.ts";

const usual = { hostIp: "", protocol: "tcp", count: 1 } as const;

test.each<[string, Partial<PublishedPorts>]>([
  ["80", { hostFirst: 0, hostLast: 0, containerFirst: 80 }],
  ["8080:80", { hostFirst: 8080, hostLast: 8080, containerFirst: 80 }],
  [":80", { hostFirst: 0, hostLast: 0, containerFirst: 80 }],
  ["0:80", { hostFirst: 0, hostLast: 0, containerFirst: 80 }],
  ["53:53/UDP", { hostFirst: 53, hostLast: 53, containerFirst: 53, protocol: "udp" }],
  [
    "127.0.0.1:8080:80",
    { hostIp: "127.0.0.1", hostFirst: 8080, hostLast: 8080, containerFirst: 80 },
  ],
  ["127.0.0.1::80", { hostIp: "127.0.0.1", hostFirst: 0, hostLast: 0, containerFirst: 80 }],
  [
    "[::1]:8080:80/sctp",
    { hostIp: "::1", hostFirst: 8080, hostLast: 8080, containerFirst: 80, protocol: "sctp" },
  ],
  ["8000-8002:80-82", { hostFirst: 8000, hostLast: 8002, containerFirst: 80, count: 3 }],
  ["8000-8010:80", { hostFirst: 8000, hostLast: 8010, containerFirst: 80 }],
  ["80-82", { hostFirst: 0, hostLast: 0, containerFirst: 80, count: 3 }],
])("-p %s", (given, expected) => {
  expect(parsePublish(given)).toEqual({
    ok: true,
    value: { ...usual, ...expected } as PublishedPorts,
  });
});

const form =
  "it looks like [IP:][HOST:]CONTAINER[/tcp|udp|sctp], with ports from 1 to 65535 or ranges of them";

test.each([
  ["", form],
  ["a:80", form],
  ["80:", form],
  ["0", form],
  ["65536", form],
  ["80/icmp", form],
  ["80/tcp/udp", form],
  ["82-80", form],
  ["1:2:3:4", form],
  ["::1:80:80", form],
  ["300.0.0.1:80:80", "invalid IP address 300.0.0.1"],
  ["8000-8001:80-82", "as many ports of the host as of the container: there are 2 and 3"],
])("-p %p is refused", (given, reason) => {
  const parsed = parsePublish(given);
  expect(parsed.ok || formatOptionProblem(parsed.problem)).toBe(
    `invalid argument ${JSON.stringify(given)} for "-p, --publish": ${reason}`,
  );
});

test.each<[string, ExposedPorts | null]>([
  ["80", { first: 80, count: 1, protocol: "tcp" }],
  ["80-90/udp", { first: 80, count: 11, protocol: "udp" }],
  ["8080:80", null],
  ["http", null],
])("--expose %s", (given, expected) => {
  const parsed = parseExpose(given);
  expect(parsed.ok ? parsed.value : null).toEqual(expected);
});
