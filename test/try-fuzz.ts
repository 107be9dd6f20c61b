// Random work in views: what is applied has to be what the view showed, whatever was done in it.
// `bun test/try-fuzz.ts [ROUNDS [SEED]]`; not part of `npm test`.

import { mkdirSync, rmSync } from "node:fs";
import { Ground } from "./pivot.ts";

const rounds = Number(process.argv[2] ?? 50);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below);
  };
}

const names = ["a", "b", "c", "d"];

function randomPath(random: (below: number) => number): string {
  const depth = 1 + random(3);
  return Array.from({ length: depth }, () => names[random(names.length)]).join("/");
}

/** A line of shell; one that makes no sense fails and changes nothing. */
function randomWork(random: (below: number) => number, n: number): string {
  const path = randomPath(random);
  const other = randomPath(random);
  const choices = [
    // A FIFO would wait for a reader.
    `[ -p ${path} ] || echo ${n} >${path}`,
    `[ -p ${path} ] || echo ${n} >>${path}`,
    `mkdir ${path}`,
    `mkdir -p ${path}`,
    `rm ${path}`,
    `rm -r ${path}`,
    `rm -r ${path}; mkdir ${path}; echo ${n} >${path}/${names[random(4)]}`,
    `mv -T ${path} ${other}`,
    `ln -T ${path} ${other}`,
    `ln -sT ${other} ${path}`,
    // What an ordinary user may not look into, they cannot compare either.
    `chmod ${["644,u+X", "600,u+X", "755", "711"][random(4)]} ${path}`,
    `cp -aT ${path} ${other}`,
    `mkfifo ${path}`,
    `touch -h -d @${1_000_000 + n} ${path}`,
  ];
  return `{ ${choices[random(choices.length)]}; } 2>/dev/null`;
}

/** Without numbers of names: overlayfs shows the host's of files that only the host has. */
const listing =
  "find . -type d -printf '%P %y %m\\n' -o -printf '%P %y %m %s %l %T@\\n' | LC_ALL=C sort;" +
  "find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum";

const ground = new Ground("try-fuzz");
const random = randomFrom(seed);
let failures = 0;
for (let round = 0; round < rounds; round++) {
  const cwd = `${ground.directory}/${round}`;
  mkdirSync(cwd);
  const work = (count: number) =>
    Array.from({ length: count }, (_, i) => randomWork(random, i)).join("\n");
  ground.command(["sh", "-c", work(25)], { cwd });
  const script = `${work(20)}\n${listing}`;
  const seen = ground.pivot(["try", "--", "sh", "-c", script], { cwd });
  const before = ground.command(["sh", "-c", listing], { cwd }).stdout;
  const isSame = before === seen.stdout;
  const applied = isSame ? { code: 0, stderr: "" } : ground.pivot(["try", "apply"], { cwd });
  const after = ground.command(["sh", "-c", listing], { cwd }).stdout;
  if (applied.code !== 0 || after !== seen.stdout) {
    failures++;
    process.stdout.write(`round ${round} of seed ${seed}: ${applied.stderr}\n${script}\n`);
    process.stdout.write(`host before:\n${before}view:\n${seen.stdout}applied:\n${after}\n`);
  }
  ground.pivot(["try", "discard", "--all"], { cwd });
  rmSync(cwd, { recursive: true });
}
await ground.close();
process.stdout.write(`${rounds} rounds of seed ${seed}, ${failures} failed\n`);
process.exitCode = failures === 0 ? 0 : 1;
