import { expect, test } from "bun:test";
import { hostsFile, resolverFile, withoutLoopback } from "./network-files.ts";

const hostText = "127.0.0.1 localhost\n10.0.0.9 build\n";

test("a container of its own network knows itself, and what it was told", () => {
  const text = hostsFile({
    hostname: "web",
    isHostNetwork: false,
    addresses: [],
    hostText,
    extra: [{ name: "db", address: "10.1.1.1" }],
  });
  expect(text).toContain("127.0.0.1\tlocalhost\n");
  expect(text).toContain("10.1.1.1\tdb\n127.0.1.1\tweb\n");
  expect(text).not.toContain("build");
});

test("on the host's network the host's names are known", () => {
  const text = hostsFile({
    hostname: "web",
    isHostNetwork: true,
    addresses: [],
    hostText,
    extra: [],
  });
  expect(text).toBe(hostText);
});

test("in a network its name is at its addresses", () => {
  const addresses = ["10.90.0.2", "fd00::2"];
  const text = hostsFile({ hostname: "web", isHostNetwork: false, addresses, hostText, extra: [] });
  expect(text).toEndWith("10.90.0.2\tweb\nfd00::2\tweb\n");
});

test("servers of the host's loopback are out of a container's reach", () => {
  const both = "search corp\nnameserver 127.0.0.53\n";
  expect(withoutLoopback(both, "nameserver 10.0.0.2\n")).toBe("nameserver 10.0.0.2\n");
  expect(withoutLoopback(both, "")).toBe("search corp\n\nnameserver 8.8.8.8\nnameserver 8.8.4.4");
  const mixed = "nameserver 127.0.0.1\nnameserver ::1\nnameserver 10.0.0.9\n";
  expect(withoutLoopback(mixed, "nameserver 10.0.0.2\n")).toBe("nameserver 10.0.0.9\n");
});

const resolver = "# made by hand\nsearch corp.example\nnameserver 10.0.0.2\noptions ndots:2\n";

test("the resolver is the host's", () => {
  const text = resolverFile({ hostText: resolver, dns: [], search: [], options: [] });
  expect(text).toBe("search corp.example\nnameserver 10.0.0.2\noptions ndots:2\n");
});

test("what is asked for replaces the host's lines of its kind, and no others", () => {
  const text = resolverFile({
    hostText: resolver,
    dns: ["1.1.1.1", "2606:4700::1111"],
    search: [],
    options: [],
  });
  expect(text).toBe(
    "search corp.example\nnameserver 1.1.1.1\nnameserver 2606:4700::1111\noptions ndots:2\n",
  );
});

test("a search of `.` is none at all", () => {
  const text = resolverFile({ hostText: resolver, dns: [], search: ["."], options: ["rotate"] });
  expect(text).toBe("nameserver 10.0.0.2\noptions rotate\n");
});
