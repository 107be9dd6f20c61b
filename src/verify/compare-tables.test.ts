import { expect, test } from "bun:test";
import { parseMountinfo } from "../simulator/parse-mountinfo.ts";
import { compareTables, madeByPlan } from "./compare-tables.ts";

const host = parseMountinfo(`20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
21 20 0:4 / /proc rw shared:2 - proc proc rw
`);

const wanted = parseMountinfo(`90 80 0:50 / / rw,relatime - overlay overlay rw
91 90 0:51 / /proc rw,nosuid,nodev,noexec - proc proc rw
92 91 0:51 /sys /proc/sys ro,nosuid,nodev,noexec - proc proc rw
93 90 8:1 /srv /data ro,relatime - ext4 /dev/sda1 rw
`).map((row) => (row.device === "8:1" ? row : { ...row, device: madeByPlan + row.device }));

/** The same with other numbers, as the kernel gives them. */
const live = `700 600 0:71 / / rw,relatime - overlay overlay rw,lowerdir=/a
703 700 8:1 /srv /data ro,relatime - ext4 /dev/sda1 rw
701 700 0:72 / /proc rw,nosuid,nodev,noexec - proc proc rw
702 701 0:72 /sys /proc/sys ro,nosuid,nodev,noexec - proc proc rw
`;

const told = (text: string): string[] =>
  compareTables({ predicted: wanted, live: parseMountinfo(text), host }).map(
    ({ level, says }) => `${level} ${says}`,
  );

test("numbers and order do not count", () => {
  expect(told(live)).toEqual(["ok 4 mounts, each as the simulator predicts of the plan"]);
});

test("what is gone is told once, with what was below it; a mount on a mount is one that has come", () => {
  expect(told(live.replace(/^70[12] .*\n/gm, ""))).toEqual([
    "weak /proc (proc, and 1 below it) was planned, and is not mounted",
  ]);
  expect(told(`${live}704 703 0:80 / /data rw - tmpfs none rw\n`)).toEqual([
    "note mounted since, by somebody: /data (tmpfs)",
  ]);
});

test("flags, access, content, the file system itself", () => {
  expect(told(live.replace("ro,relatime", "rw,relatime"))).toEqual([
    "weak /data has the flags rw,relatime, in place of ro,relatime",
  ]);
  // More is forbidden than was planned.
  expect(told(live.replace("ro,relatime", "ro,nodev,relatime"))).toEqual([
    "note /data has the flags ro,nodev,relatime, in place of ro,relatime",
  ]);
  expect(told(live.replace("overlay rw", "overlay ro"))).toEqual([
    "note / is on a file system that is read-only now",
  ]);
  expect(told(live.replace("8:1 /srv", "8:1 /etc"))).toEqual([
    "weak /data is ext4 /etc, in place of ext4 /srv",
  ]);
  expect(told(live.replace("8:1", "8:2"))).toEqual([
    "weak /data shows another ext4 than was planned",
  ]);
  // A bind of one procfs that is another's now.
  expect(told(live.replace("0:72 /sys", "0:99 /sys"))).toEqual([
    "weak /proc/sys shows another proc than was planned",
  ]);
});

test("what each network or IPC namespace has of its own is another than the host's", () => {
  const more =
    "94 90 0:20 / /sys ro - sysfs sysfs rw\n95 90 0:21 / /dev/mqueue rw - mqueue mqueue rw\n";
  const predicted = [...wanted, ...parseMountinfo(more)];
  const now = parseMountinfo(
    live + more.replaceAll(" 90 ", " 700 ").replace("0:20", "0:88").replace("0:21", "0:89"),
  );
  expect(compareTables({ predicted, live: now, host }).map(({ says }) => says)).toEqual([
    "6 mounts, each as the simulator predicts of the plan",
  ]);
});

test("propagation: with the host or with others", () => {
  expect(told(live.replace("ro,relatime -", "ro,relatime shared:1 -"))).toEqual([
    "weak /data is shared with the host, in place of private",
  ]);
  expect(told(live.replace("ro,relatime -", "ro,relatime master:9 -"))).toEqual([
    "weak /data is a slave of others, in place of private",
  ]);
});

test("what stands elsewhere than planned is told in one line", () => {
  expect(told(live.replace("/srv /data", "/srv /real/data"))).toEqual([
    "note ext4 /srv is at /real/data, and was planned for /data: a link of the image, or somebody's move",
  ]);
});

test("of many differences the first are told, and how many there are more", () => {
  const more = Array.from(
    { length: 30 },
    (_, i) => `${800 + i} 700 0:80 / /m${i} rw - tmpfs t rw\n`,
  );
  const lines = told(live + more.join(""));
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe("note and 10 differences more");
});
