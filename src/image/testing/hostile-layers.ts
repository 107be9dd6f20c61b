/**
 * Hostile archives: each lands inside or is refused, and nothing outside changes. Names and links
 * that lead out, devices, attributes and headers that say one thing twice.
 */
import { type TarMember, tarEnd, tarEntry } from "../tar-writer.ts";
import { dir, file, hard, link, xattr } from "./members.ts";

/** An archive, and what it comes to. */
export interface HostileLayer {
  readonly what: string;
  readonly members: readonly (TarMember | Buffer)[];
  /** What is there afterwards ("path type" per file), or what the refusal says. */
  readonly gives: readonly string[] | RegExp;
}

/** PAX records for the entry that follows, whatever that one's header says. */
function pax(records: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(records).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    const length = rest.length + String(rest.length + 2).length;
    return `${length}${rest}`;
  });
  const entry = tarEntry(file("PaxHeader", text.join("")));
  entry.write("x", 156, "latin1");
  entry.fill(0x20, 148, 156);
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  entry.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return entry;
}

export const hostileArchive = (members: readonly (TarMember | Buffer)[]): Buffer =>
  Buffer.concat([
    ...members.map((each) => (Buffer.isBuffer(each) ? each : tarEntry(each))),
    tarEnd(),
  ]);

/** ROOT stands for a directory outside, which holds a file called canary. */
export const hostileLayers: readonly HostileLayer[] = [
  { what: "../x", members: [file("../x")], gives: /goes up with "\.\."/ },
  { what: "a/../../x", members: [file("a/../../x")], gives: /goes up with "\.\."/ },
  { what: "..", members: [dir("..")], gives: /goes up/ },
  { what: "/abs", members: [file("/abs")], gives: ["abs file"] },
  {
    what: "//a///b/./c",
    members: [file("//a///b/./c")],
    gives: ["a directory", "a/b directory", "a/b/c file"],
  },
  { what: "no name", members: [file("")], gives: /has no name/ },
  { what: "a file called /", members: [file("/x"), link("/", "x")], gives: /has no name/ },
  {
    what: "a symlink to / and a file through it",
    members: [link("a", "/"), file("a/etc/x")],
    gives: ["a symlink -> /", "etc directory", "etc/x file"],
  },
  {
    what: "a symlink to the canary's directory and a file through it",
    members: [link("a", "ROOT"), file("a/canary", "overwritten")],
    gives: ["INSIDE/canary file"],
  },
  {
    what: "a chain of symlinks that goes up",
    members: [link("a", "b"), link("b", "../../.."), file("a/x")],
    gives: ["a symlink -> b", "b symlink -> ../../..", "x file"],
  },
  {
    what: "a symlink with more .. than there are directories",
    members: [dir("d/"), link("d/up", "../../../../../../../.."), file("d/up/tmp/x")],
    gives: [
      "d directory",
      "d/up symlink -> ../../../../../../../..",
      "tmp directory",
      "tmp/x file",
    ],
  },
  { what: "a symlink to itself", members: [link("a", "a"), file("a/x")], gives: /ELOOP/ },
  {
    what: "a dangling symlink as a parent",
    members: [link("a", "b/c"), file("a/x")],
    gives: ["a symlink -> b/c", "b directory", "b/c directory", "b/c/x file"],
  },
  {
    what: "a file through /proc's magic links",
    members: [link("a", "/proc/self/root"), file("a/x")],
    gives: [
      "a symlink -> /proc/self/root",
      "proc directory",
      "proc/self directory",
      "proc/self/root directory",
      "proc/self/root/x file",
    ],
  },
  {
    what: "a hard link to an absolute path outside",
    members: [hard("a", "ROOT/canary")],
    gives: /neither in this layer nor below/,
  },
  {
    what: "a hard link that goes up",
    members: [hard("a", "../canary")],
    gives: /hard link's target that goes up/,
  },
  {
    what: "a hard link through a symlinked parent",
    members: [link("s", "ROOT"), hard("a", "s/canary")],
    gives: /neither in this layer nor below/,
  },
  {
    what: "a hard link to a symlink that leads outside",
    members: [link("s", "ROOT/canary"), hard("h", "s")],
    gives: ["h symlink -> ROOT/canary", "s symlink -> ROOT/canary"],
  },
  {
    what: "a hard link to a symlink that leads outside, then a write through it",
    members: [link("s", "ROOT/canary"), hard("h", "s"), file("h", "overwritten")],
    gives: ["h file", "s symlink -> ROOT/canary"],
  },
  {
    what: "a hard link to a directory",
    members: [dir("d"), hard("a", "d")],
    gives: /is a directory/,
  },
  { what: "a hard link to nothing", members: [hard("a", "b")], gives: /neither in this layer/ },
  { what: "a hard link to the root", members: [hard("a", "/")], gives: /hard link to the root/ },
  { what: "a hard link to itself", members: [file("a"), hard("a", "a")], gives: ["a file"] },
  {
    what: "a directory replaced by a symlink between entries",
    members: [dir("d"), file("d/a"), link("d", "ROOT"), file("d/canary", "overwritten")],
    gives: ["INSIDE/canary file"],
  },
  {
    what: "a directory replaced by a symlink right after a file in it",
    members: [dir("d"), dir("e"), file("d/a"), link("d", "e"), file("d/b")],
    gives: ["d symlink -> e", "e directory", "e/b file"],
  },
  {
    what: "a symlink on the way changed after it was followed",
    members: [dir("e"), dir("f"), link("d", "e"), file("d/a"), link("d", "f"), file("d/b")],
    gives: ["d symlink -> f", "e directory", "e/a file", "f directory", "f/b file"],
  },
  {
    what: "a symlink replaced by a directory",
    members: [link("d", "ROOT"), dir("d"), file("d/canary")],
    gives: ["d directory opaque", "d/canary file"],
  },
  {
    what: "a file over a symlink",
    members: [link("s", "ROOT/canary"), file("s", "overwritten")],
    gives: ["s file"],
  },
  {
    what: "a file over a directory that is not empty",
    members: [dir("d"), dir("d/e"), file("d/e/f"), file("d")],
    gives: ["d file"],
  },
  {
    what: "a directory over a file",
    members: [file("d"), dir("d")],
    gives: ["d directory opaque"],
  },
  {
    what: "a file below a file",
    members: [file("f"), file("f/x")],
    gives: /parent is not a directory/,
  },
  {
    what: "the same directory twice",
    members: [dir("d", 0o700), file("d/x"), dir("d", 0o711)],
    gives: ["d directory", "d/x file"],
  },
  { what: "a whiteout of nothing", members: [file("a/.wh.x")], gives: ["a directory"] },
  {
    what: "an opaque directory",
    members: [dir("a"), file("a/.wh..wh..opq")],
    gives: ["a directory opaque"],
  },
  {
    what: "an opaque directory through a symlink",
    members: [link("s", "ROOT"), file("s/.wh..wh..opq")],
    gives: ["INSIDE opaque"],
  },
  { what: ".wh. alone", members: [file(".wh.")], gives: /whiteout of nothing/ },
  { what: "the whiteout of .", members: [file("a/.wh..")], gives: /whiteout of nothing/ },
  { what: "the whiteout of ..", members: [file("a/.wh...")], gives: /whiteout of nothing/ },
  {
    what: "a whiteout as a parent",
    members: [file(".wh.a/x")],
    gives: /a name that marks a removal/,
  },
  {
    what: "aufs's bookkeeping",
    members: [file(".wh..wh.aufs"), file(".wh..wh.plnk/1.2")],
    gives: [],
  },
  {
    what: "a whiteout and then the thing itself",
    members: [file(".wh.a"), file("a"), file(".wh.b"), file("b/c"), file(".wh.d"), dir("d")],
    gives: ["a file", "b directory opaque", "b/c file", "d directory opaque"],
  },
  {
    what: "the thing itself and then its whiteout",
    members: [file("a"), file(".wh.a"), dir("d"), file("d/x"), file(".wh.d")],
    gives: ["a file", "d directory opaque", "d/x file"],
  },
  {
    what: "a hard link to a whiteout",
    members: [file(".wh.a"), hard("b", "a")],
    gives: /removed by this layer/,
  },
  {
    what: "the character device 0:0",
    members: [{ name: "a", type: "character" }],
    gives: /would hide files from overlayfs/,
  },
  {
    what: "devices and a FIFO",
    members: [
      { name: "c", type: "character", deviceMajor: 1, deviceMinor: 3 },
      { name: "b", type: "block", deviceMajor: 259, deviceMinor: 70_000 },
      { name: "f", type: "fifo" },
    ],
    gives: ["b block", "c character 1:3", "f fifo"],
  },
  {
    what: "a device that Linux cannot have",
    members: [{ name: "c", type: "character", deviceMajor: 4096, deviceMinor: 0 }],
    gives: /which Linux cannot have/,
  },
  {
    what: "a file over a FIFO, which must not be opened",
    members: [{ name: "f", type: "fifo" }, file("f", "content")],
    gives: ["f file"],
  },
  {
    what: "overlayfs's attributes",
    members: [file("a", "x", xattr("trusted.overlay.redirect", "/etc"))],
    gives: /would redirect overlayfs/,
  },
  {
    what: "overlayfs's attributes of user namespaces",
    members: [{ ...dir("a"), ...xattr("user.overlay.opaque", "y") }],
    gives: /would redirect overlayfs/,
  },
  {
    what: "an owner that chown would ignore",
    members: [file("a", "x", { uid: 0xffff_ffff })],
    gives: /beyond 0 to/,
  },
  {
    what: "an owner beyond 32 bits",
    members: [file("a", "x", { gid: 2 ** 32 })],
    gives: /beyond 0 to/,
  },
  { what: "a NUL in a PAX path", members: [file(`${"a".repeat(120)}\0b`)], gives: /NUL/ },
  { what: "a NUL in a PAX link", members: [link("a", `${"a".repeat(120)}\0b`)], gives: /NUL/ },
  {
    what: "a part of 255 bytes",
    members: [file("a".repeat(255))],
    gives: [`${"a".repeat(255)} file`],
  },
  { what: "a part of 256 bytes", members: [file("a".repeat(256))], gives: /part over 255 bytes/ },
  { what: "a name over 4095 bytes", members: [file("a/".repeat(2100))], gives: /longer than 4095/ },
  {
    what: "very many missing parents",
    members: [file(`${"a/".repeat(1500)}x`)],
    gives: /ENAMETOOLONG/,
  },
  { what: "an empty symlink", members: [link("a", "")], gives: /symbolic link to nothing/ },
  {
    what: "a name that is not UTF-8",
    members: [file("\xff\xfe\x80")],
    gives: ["\xff\xfe\x80 file"],
  },
  {
    what: "names that other systems hold for equal",
    members: [
      file("a"),
      file("A"),
      file("\xc3\xa9"),
      file("e\xcc\x81"),
      link("AA", "ROOT"),
      file("aa/canary"),
    ],
    gives: [
      "A file",
      "AA symlink -> ROOT",
      "a file",
      "aa directory",
      "aa/canary file",
      "e\xcc\x81 file",
      "\xc3\xa9 file",
    ],
  },
  {
    what: "a PAX path that goes up, before a harmless header",
    members: [pax({ path: "../../x" }), file("harmless")],
    gives: /goes up with "\.\."/,
  },
  {
    what: "a PAX path through a symlink, before a harmless header",
    members: [link("a", "ROOT"), pax({ path: "a/canary" }), file("harmless", "overwritten")],
    gives: ["INSIDE/canary file"],
  },
  {
    what: "a PAX linkpath that goes up, for a hard link whose header is harmless",
    members: [file("b"), pax({ linkpath: "../canary" }), hard("a", "b")],
    gives: /hard link's target that goes up/,
  },
  {
    what: "a PAX path that is a whiteout of ..",
    members: [pax({ path: "a/.wh..." }), file("harmless")],
    gives: /whiteout of nothing/,
  },
  {
    what: "a PAX size larger than the archive",
    members: [pax({ size: "9007199254740991" }), file("a", "x")],
    gives: /ends|cut|malformed|beyond/,
  },
  {
    what: "a PAX size of zero for a file with content that is a header of its own",
    members: [pax({ size: "0" }), file("a", tarEntry(file("hidden", "x")).toString("latin1"))],
    gives: ["a file", "hidden file"],
  },
  {
    what: "the same file, link and FIFO twice",
    members: [
      file("a", "1"),
      file("a", "2"),
      link("l", "ROOT/canary"),
      link("l", "a"),
      { name: "f", type: "fifo" },
      { name: "f", type: "fifo" },
    ],
    gives: ["a file", "f fifo", "l symlink -> a"],
  },
  {
    what: "a set-user-ID program over a symlink that leads outside",
    members: [
      link("s", "ROOT/canary"),
      { ...file("s", "#!"), mode: 0o6755 },
      { ...dir("d"), mode: 0o2777 },
    ],
    gives: ["d directory", "s file"],
  },
  {
    what: "a chmod of what a symlink leads to",
    members: [link("s", "ROOT"), { ...dir("s/."), mode: 0o777 }],
    gives: ["s directory opaque"],
  },
  {
    what: "control characters in a name",
    members: [file("a\nok 1 0\n"), file("a\nok 1 0\n/b")],
    gives: /^entry "a\\\\x0aok 1 0.*ENOTDIR/,
  },
];
