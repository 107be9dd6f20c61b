// What tests of the engine stand on: one store for all of them, with the images of a Debian that
// services run in. The network is the world's own (tools/world.sh): ports are free.

import { expect } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { listIfThere, mountsBelow, processesAt } from "../leftovers.ts";
import { pivotPath, type Ran, type RunSettings } from "../pivot.ts";

const archive = process.env["PIVOT_ENGINE_DEBIAN"] ?? "";

/** Why no test can be made with these programs, in words; undefined: it can. */
export function whyNot(...programs: readonly string[]): string | undefined {
  if (process.env["PIVOT_WORLD"] === undefined) return "run by tools/test-engine.sh alone";
  if (!existsSync(pivotPath)) return "build/pivot is not there: tools/setup.sh makes it";
  const missing = programs.filter((each) => Bun.which(each) === null);
  return missing.length > 0 ? `not installed: ${missing.join(", ")}` : undefined;
}

/** The same, for tests that want the Debian. */
export const whyNoDebian = (...programs: readonly string[]): string | undefined =>
  whyNot(...programs) ??
  (existsSync(archive) ? undefined : "mmdebstrap has not made the root of a Debian");

export const named = (name: string, reason: string | undefined): string =>
  reason === undefined ? name : `${name} (skipped: ${reason})`;

export const directory = `${realpathSync(tmpdir())}/engine`;

/** The words that name a store: the shared one unless told. */
export const rootsAt = (base: string): string[] => [
  "--root",
  `${base}/data`,
  "--runroot",
  `${base}/run`,
];

/** Runs any program to its end; two minutes at most unless told. */
export function command(words: readonly string[], settings: RunSettings = {}): Ran {
  const { input, env, cwd, timeout = 120_000 } = settings;
  const [program = "", ...args] = words;
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout,
    killSignal: "SIGKILL",
    ...(input === undefined ? {} : { input }),
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (error !== undefined) throw new Error(`${words.join(" ")}: ${error.message}`);
  return { code: status, signal, stdout, stderr };
}

/** What a program that has to succeed prints, without the last line end. */
export function printed(words: readonly string[], settings?: RunSettings): string {
  const { code, stdout, stderr } = command(words, settings);
  if (code !== 0) throw new Error(`${words.join(" ")}: code ${code}: ${stdout}${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** One store and its commands. */
export class Store {
  readonly base: string;

  constructor(base: string = directory) {
    this.base = base;
    mkdirSync(base, { recursive: true });
  }

  words(words: readonly string[]): string[] {
    return [pivotPath, ...rootsAt(this.base), ...words];
  }

  pivot(words: readonly string[], settings?: RunSettings): Ran {
    return command(this.words(words), settings);
  }

  said(...words: string[]): string {
    return printed(this.words(words));
  }

  inspect(name: string, template: string): string {
    return this.said("container", "inspect", "-f", template, name);
  }

  /** Both streams of a container's log. */
  logs(name: string, ...flags: string[]): string {
    const { code, stdout, stderr } = this.pivot(["logs", ...flags, name]);
    expect(code).toBe(0);
    return stdout + stderr;
  }

  status(name: string): string {
    return this.said("ps", "-a", "--filter", `name=^${name}$`, "--format", "{{.Status}}");
  }

  /** Of the executor that watches over a container. */
  monitor(name: string): number {
    const id = this.inspect(name, "{{.Id}}");
    return Number.parseInt(readFileSync(`${this.base}/run/${id}/monitor`, "utf8"), 10);
  }

  removeAll(): void {
    const ids = this.said("ps", "-aq").split("\n").filter(Boolean);
    if (ids.length > 0) this.said("rm", "-f", ...ids);
  }

  #left(): Record<string, unknown> {
    return {
      containers: this.said("ps", "-aq"),
      processes: processesAt(this.base),
      cgroups: cgroupsLeft(),
      mounts: mountsBelow(this.base),
      states: listIfThere(`${this.base}/run`).filter((name) => /^[0-9a-f]{64}$/.test(name)),
      names: listIfThere(`${this.base}/run/names`),
      layers: listIfThere(`${this.base}/data/containers`),
    };
  }

  /** Asserts that of all containers nothing is there any more, and that the store is sound. */
  async expectNothingLeft(): Promise<void> {
    const nothing = { containers: "", processes: [], cgroups: [], mounts: [] };
    const wanted = { ...nothing, states: [], names: [], layers: [] };
    let left = this.#left();
    for (let i = 0; i < 100 && !Bun.deepEquals(left, wanted); i++) {
      await Bun.sleep(50);
      left = this.#left();
    }
    expect(left).toEqual(wanted);
    expect(this.said("system", "check")).toEndWith("all is as it should be");
  }
}

/** Cgroups of containers: the world has no others'. */
const cgroupsLeft = (): string[] =>
  printed(["find", "/sys/fs/cgroup", "-type", "d", "-name", "pivot-*"]).split("\n").filter(Boolean);

/** A command in the background, with all that it says. */
export class Background {
  readonly child: ChildProcess;
  /** Both streams together. */
  text = "";

  constructor(words: readonly string[]) {
    const [program = "", ...args] = words;
    this.child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (bytes) => {
        this.text += bytes;
      });
    }
  }

  /** Its exit code; null when a signal ended it. */
  async end(seconds = 20): Promise<number | null> {
    await until(
      `${this.child.spawnargs.join(" ")} ends`,
      () => this.child.exitCode !== null || this.child.signalCode !== null,
      seconds,
    );
    return this.child.exitCode;
  }
}

/** Looks again until it is so; what was waited for, as an error, when that takes too long. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  seconds = 30,
): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`in ${seconds} s it did not come about: ${what}`);
    await Bun.sleep(50);
  }
}

/** The body of an answer of 200; undefined for any other, and for none. */
export async function fetched(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { keepalive: false });
    return response.status === 200 ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

const dockerfile = `FROM debian:12
RUN rm -rf /var/lib/postgresql/15 && install -d -o postgres -g postgres /pg && \\
    ln -s /usr/lib/postgresql/15/bin/* /usr/local/bin/
COPY start-postgres /usr/local/bin/
ENV PGDATA=/pg/data
USER postgres
VOLUME /pg
STOPSIGNAL SIGINT
HEALTHCHECK --interval=300ms --timeout=5s --retries=100 CMD pg_isready -q -h /tmp
CMD ["start-postgres"]
`;

const startPostgres = `#!/bin/sh
[ -e "$PGDATA/PG_VERSION" ] || initdb -A trust -E UTF8 -N >/dev/null || exit 1
exec postgres -k /tmp -h 127.0.0.1
`;

/**
 * Makes the images once for all tests, in the shared store: `debian:12`, the root in one layer;
 * `postgres`, by a Dockerfile; `services`, by a commit, with a configuration of nginx.
 */
export function makeImages(): Store {
  const store = new Store();
  const has = store.said("images", "--format", "{{.Repository}}").split("\n");
  if (!has.includes("debian")) store.said("import", archive, "debian:12");
  if (!has.includes("postgres")) {
    const context = `${directory}/context`;
    mkdirSync(context, { recursive: true });
    writeFileSync(`${context}/Dockerfile`, dockerfile);
    writeFileSync(`${context}/start-postgres`, startPostgres, { mode: 0o755 });
    store.said("build", "-q", "--network", "none", "-t", "postgres", context);
  }
  if (!has.includes("services")) {
    const script =
      "sed -i 's/listen 80 .*/listen 127.0.0.1:8080;/; /listen \\[::\\]/d' /etc/nginx/sites-enabled/default && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log && mkdir /data && chown redis:redis /data";
    store.said("run", "--name", "made", "debian:12", "sh", "-c", script);
    store.said("commit", "-m", "a configuration of nginx", "made", "services");
    store.said("rm", "made");
  }
  return store;
}
