import { expect, test } from "bun:test";
import { formatOptionProblem, type Result } from "./problem.ts";
import { mapsProblem, parseIdMap, parseUserns, plainMode, usernsText } from "./userns.ts";

const outcome = <T>(result: Result<T>): unknown =>
  result.ok ? result.value : formatOptionProblem(result.problem);

const map = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });

test.each([
  ["host", "host"],
  ["private", "private"],
  ["nomap", "nomap"],
  ["container:web", { container: "web" }],
  ["ns:/run/ns", { path: "/run/ns" }],
  ["auto", { auto: {} }],
  ["auto:size=1024", { auto: { size: 1024 } }],
  [
    "auto:uidmapping=0:1000:1,uidmapping=1:5:2,gidmapping=0:@7:1,size=10",
    {
      auto: {
        size: 10,
        uidMappings: [map(0, 1000, 1), map(1, 5, 2)],
        gidMappings: [{ ...map(0, 7, 1), ofHost: true }],
      },
    },
  ],
  ["keep-id", { keepId: {} }],
  ["keep-id:uid=1000,gid=1001", { keepId: { uid: 1000, gid: 1001 } }],
])("--userns %s", (given, mode) => {
  expect<unknown>(outcome(parseUserns(given))).toEqual(mode);
});

const auto = "auto takes size=N, uidmapping=… and gidmapping=INSIDE:OUTSIDE:SIZE";
const modes = "invalid mode: it is auto, keep-id, nomap, private, host, container:NAME or ns:/path";

test.each([
  ["", modes],
  ["automatic", modes],
  ["auto:", null],
  ["auto:size", auto],
  ["auto:size=", auto],
  ["auto:colour=red", auto],
  ["auto:size=0", "a size is a number from 1 to 4294967294"],
  ["auto:size=-1", "a size is a number from 1 to 4294967294"],
  ["auto:size=4294967295", "a size is a number from 1 to 4294967294"],
  [
    "auto:uidmapping=0:0",
    null, // one id
  ],
  [
    "auto:uidmapping=0:0:0",
    "uidmapping: it looks like INSIDE:OUTSIDE:SIZE, such as 0:100000:65536: SIZE is at least 1",
  ],
  ["auto:uidmapping=0:5:2,uidmapping=1:9:1", "1:9:1 and 0:5:2 map an id inside twice"],
  ["nomap:size=1", "nomap takes no options"],
  ["keep-id:uid=x", "uid: ids go from 0 to 4294967294"],
  ["keep-id:uid=4294967295", "uid: ids go from 0 to 4294967294"],
  ["keep-id:gids=1", "keep-id takes uid=N, gid=N and size=N"],
])("--userns %p", (given, reason) => {
  const refusal = `invalid argument "${given}" for "--userns": ${reason}`;
  if (reason === null) expect(parseUserns(given).ok).toBe(true);
  else expect(outcome(parseUserns(given))).toBe(refusal);
});

test.each([
  ["0:100000:65536", map(0, 100000, 65536)],
  ["1000:@5", { ...map(1000, 5, 1), ofHost: true }],
])("--uidmap %s", (given, expected) => {
  expect<unknown>(outcome(parseIdMap(given, "--uidmap"))).toEqual(expected);
});

test.each([
  "",
  "0",
  "0:",
  ":0:1",
  "0:1:x",
  "-1:0:1",
  "0:0:1:1",
  "0:4294967290:6",
  "0x0:1:1",
  "+0:1:1",
])("--uidmap %p is refused in one line", (given) => {
  const said = outcome(parseIdMap(given, "--uidmap"));
  expect(said).toMatch(/^invalid argument ".*" for "--uidmap": [^\n]+$/);
});

test("maps may touch, and not meet on either side", () => {
  expect(mapsProblem([map(0, 100, 10), map(10, 110, 10)])).toBeNull();
  expect(mapsProblem([map(0, 100, 10), map(9, 200, 10)])).toContain("an id inside twice");
  expect(mapsProblem([map(0, 100, 10), map(10, 109, 10)])).toContain("an id outside twice");
  const many = Array.from({ length: 341 }, (_, i) => map(i, i, 1));
  expect(mapsProblem(many)).toContain("340 lines");
});

test("what is the container's own is private to the kernel", () => {
  expect(plainMode({ auto: {} })).toBe("private");
  expect(plainMode("nomap")).toBe("private");
  expect(plainMode("host")).toBe("host");
  expect(usernsText({ keepId: { uid: 5 } })).toBe("keep-id");
});
