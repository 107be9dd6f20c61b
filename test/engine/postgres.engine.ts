// PostgreSQL in a container: real clients, a clean end, a crash, and data that outlives containers.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import {
  Background,
  command,
  directory,
  makeImages,
  named,
  printed,
  Store,
  until,
  whyNoDebian,
} from "./ground.ts";

const reason = whyNoDebian("buildah", "psql", "pgbench", "pg_isready");
const store = new Store();
const server = ["-h", "127.0.0.1", "-U", "postgres"];

/** One value, by the client of the host. */
const sql = (statement: string): string =>
  printed(["psql", ...server, "-Atqc", statement, "postgres"]);

const answers = (): boolean => command(["pg_isready", "-q", ...server]).code === 0;

const run = (name: string, ...flags: string[]): string =>
  store.said("run", "-d", "--name", name, "--network", "host", "-v", "pg:/pg", ...flags);

const isHealthy = () => store.inspect("db", "{{.State.Health.Status}}") === "healthy";

describe.skipIf(reason !== undefined)(named("PostgreSQL", reason), () => {
  beforeAll(() => {
    makeImages();
    run("db", "--restart", "on-failure:5", "--shm-size", "128m", "postgres");
  }, 300_000);
  afterAll(async () => {
    store.removeAll();
    if (store.said("volume", "ls", "-q").includes("pg")) store.said("volume", "rm", "pg");
    await store.expectNothingLeft();
  });

  test("turns healthy, and runs as its own user", async () => {
    expect(store.status("db")).toMatch(/^Up .*\(health: starting\)$/);
    await until("it is healthy", isHealthy);
    expect(store.status("db")).toMatch(/^Up .*\(healthy\)$/);
    const [titles, ...rows] = store.said("top", "db", "-o", "user,pid,args").split("\n");
    expect(titles).toMatch(/^USER +PID +COMMAND$/);
    expect(rows.length).toBeGreaterThan(4);
    for (const row of rows) expect(row).toMatch(/^postgres +\d+ +postgres/);
    const uid = store.said("exec", "db", "id", "-u");
    const pid = store.inspect("db", "{{.State.Pid}}");
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toContain(`Uid:\t${uid}\t${uid}`);
    expect(uid).not.toBe("0");
  });

  test("answers psql and pgbench from outside, and psql within", () => {
    sql("create table notes (text text); insert into notes values ('first')");
    printed(["pgbench", ...server, "-i", "-s", "1", "-q", "postgres"]);
    const bench = printed(["pgbench", ...server, "-c", "2", "-j", "2", "-t", "100", "postgres"]);
    expect(bench).toContain("number of transactions actually processed: 200/200");
    expect(bench).toContain("number of failed transactions: 0");
    expect(store.said("exec", "db", "psql", "-h", "/tmp", "-Atc", "select text from notes")).toBe(
      "first",
    );
    const version = sql("show server_version");
    expect(store.said("exec", "db", "postgres", "--version")).toContain(version);
  });

  test("stats and top show it", () => {
    const format = "{{.Name}} {{.PIDs}} {{.MemUsage}}";
    const [name, pids, memory] = store
      .said("stats", "--no-stream", "--format", format, "db")
      .split(" ");
    expect(name).toBe("db");
    expect(Number(pids)).toBeGreaterThan(5);
    expect(memory).toMatch(/^[\d.]+MiB$/);
    expect(Number.parseFloat(memory ?? "")).toBeGreaterThan(5);
    expect(store.said("top", "db")).toContain("checkpointer");
  });

  test("logs -f follows what it says, until it has ended; the end is clean", async () => {
    const follower = new Background(store.words(["logs", "-f", "--tail", "0", "db"]));
    await Bun.sleep(300);
    expect(command(["psql", ...server, "-c", "select wrong_on_purpose", "postgres"]).code).toBe(1);
    await until("the error is followed", () => follower.text.includes("wrong_on_purpose"), 5);
    expect(store.said("stop", "db")).toBe("db");
    expect(await follower.end(5)).toBe(0);
    expect(follower.text).toContain("database system is shut down");
    expect(store.status("db")).toMatch(/^Exited \(0\) /);
    expect(answers()).toBeFalse();
  });

  test("a commit of the stopped one has no data of its volume, and is an image", () => {
    expect(store.said("commit", "db", "stopped")).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(store.said("image", "inspect", "-f", "{{json .Config.Volumes}}", "stopped")).toBe(
      '{"/pg":{}}',
    );
    expect(store.said("run", "--rm", "-v", "pg-empty:/pg", "stopped", "ls", "/pg")).toBe("");
    store.said("volume", "rm", "pg-empty");
    store.said("rmi", "stopped");
  });

  test("started again it has its data", async () => {
    expect(store.said("start", "db")).toBe("db");
    await until("it answers", answers);
    expect(sql("select count(*) from pgbench_accounts")).toBe("100000");
    expect(store.said("restart", "db")).toBe("db");
    await until("it answers", answers);
    expect(sql("select text from notes")).toBe("first");
  });

  test("a dump goes out by cp, and comes back in", () => {
    store.said("exec", "db", "pg_dump", "-h", "/tmp", "-f", "/tmp/dump.sql", "postgres");
    store.said("cp", "db:/tmp/dump.sql", `${directory}/dump.sql`);
    expect(readFileSync(`${directory}/dump.sql`, "utf8")).toContain("COPY public.notes");
    sql("drop table notes");
    writeFileSync(
      `${directory}/notes.sql`,
      "create table notes (text text);\ncopy notes from stdin;\nsecond\n\\.\n",
    );
    store.said("cp", `${directory}/notes.sql`, "db:/tmp/notes.sql");
    store.said("exec", "db", "psql", "-h", "/tmp", "-q", "-f", "/tmp/notes.sql");
    expect(sql("select text from notes")).toBe("second");
    // The whole dump by way of standard input, into a database of its own.
    sql("create database copy");
    const words = store.words(["exec", "-i", "db", "psql", "-h", "/tmp", "-q", "copy"]);
    printed(words, { input: readFileSync(`${directory}/dump.sql`, "utf8") });
    expect(
      printed(["psql", ...server, "-Atc", "select count(*) from pgbench_accounts", "copy"]),
    ).toBe("100000");
  });

  test("a server that crashes is started again by its policy, and recovers", async () => {
    const before = store.inspect("db", "{{.State.Pid}}");
    const since = new Date().toISOString();
    process.kill(Number(before), "SIGKILL");
    await until("there is another", () => {
      const [pid, count] = store.inspect("db", "{{.State.Pid}} {{.RestartCount}}").split(" ");
      return pid !== before && pid !== "0" && count === "1";
    });
    await until("it answers", answers);
    expect(store.logs("db", "--since", since)).toContain("automatic recovery in progress");
    expect(sql("select text from notes")).toBe("second");
  });

  test("a monitor that is killed ends it; the next command says so, and start brings it back", async () => {
    const pid = store.inspect("db", "{{.State.Pid}}");
    process.kill(store.monitor("db"), "SIGKILL");
    await until("it has ended", () => store.status("db") === "Dead", 10);
    expect(store.inspect("db", "{{.State.Running}} {{.State.Pid}}")).toBe("false 0");
    await until("its processes are gone", () => command(["test", "-e", `/proc/${pid}`]).code === 1);
    store.said("start", "db");
    await until("it answers", answers);
    expect(sql("select text from notes")).toBe("second");
    await until("it is healthy", isHealthy);
  });

  test("the volume outlives the container, and serves another", async () => {
    store.said("rm", "-f", "db");
    expect(store.said("volume", "ls", "-q", "--filter", "dangling=true")).toBe("pg");
    run("next", "--memory", "256m", "--cpus", "1", "--stop-signal", "SIGTERM", "postgres");
    expect(store.pivot(["volume", "rm", "pg"]).stderr).toContain("in use");
    await until("it answers", answers);
    expect(sql("select text from notes")).toBe("second");
    store.said("stop", "next");
    expect(store.logs("next", "--tail", "1")).toContain("database system is shut down");
    store.said("rm", "next");
  });
});
