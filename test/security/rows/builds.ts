// The engine's builds, by buildah, of Dockerfiles and contexts that mean harm.

import { symlinkSync, writeFileSync } from "node:fs";
import { link } from "../../../src/image/testing/members.ts";
import { secret } from "../canary.ts";
import type { EngineWorld } from "../engine.ts";
import { notApplicable, type Outcome, type Row, unless } from "../outcome.ts";

export const builds: readonly Row<EngineWorld>[] = [
  {
    ids: ["CVE-2024-23651", "CVE-2024-23652", "CVE-2024-9675", "CVE-2024-9407", "CVE-2024-11218"],
    title: "a build reads, writes or removes what its context links to",
    tried:
      "COPY, ADD and RUN --mount of links out, as sources and as targets, and removed meanwhile",
    run: (world): Outcome => {
      if (Bun.which("buildah") === null) return notApplicable("buildah is not installed");
      const canary = world.canary();
      const context = world.directory("context");
      symlinkSync(canary.path, `${context}/out`);
      symlinkSync(`../../../../../../../..${canary.path}`, `${context}/up`);
      writeFileSync(`${context}/file`, "the context's");
      const findings: string[] = [];
      const base = world.image([[link("link", canary.path)]]);
      const named = world.ground.pivot(["load", "-i", base.replace("oci:", ""), "-q"]);
      const id = /sha256:[0-9a-f]{64}/.exec(
        named.stdout + world.ground.pivot(["images", "-q", "--no-trunc"]).stdout,
      )?.[0];
      if (id !== undefined) world.ground.pivot(["tag", id, "base:1"]);
      const bodies: readonly (readonly [string, string])[] = [
        ["COPY out/file", "COPY out/file /got"],
        ["COPY up/file", "COPY up/file /got"],
        ["COPY ../", `COPY ../../../../..${canary.path}/file /got`],
        ["ADD", "ADD out /got/"],
        ["bind", "RUN --mount=type=bind,source=out,target=/in cat /in/file >/got || true"],
        [
          "bind up",
          "RUN --mount=type=bind,source=../../../..,target=/in cat /in/etc/hostname >/got",
        ],
        ["cache", `RUN --mount=type=cache,target=/link/deep ln -s ${canary.path} /x || true`],
        [
          "target",
          `RUN --mount=type=tmpfs,target=/link/deep echo overwritten >/link/deep/file || true\nRUN rm -rf /link/ && cat /link/file >/got || true`,
        ],
      ];
      let built = 0;
      for (const [what, body] of bodies) {
        writeFileSync(`${context}/Dockerfile`, `FROM base:1\n${body}\n`);
        const ran = world.ground.pivot(
          ["build", "-q", "--network", "none", "-t", "made:1", context],
          {
            timeout: 60_000,
          },
        );
        if (ran.code !== 0) continue;
        built++;
        const got = world.ground.run([
          "made:1",
          "sh",
          "-c",
          "cat /got /got/file /got/* 2>/dev/null",
        ]);
        if (got.stdout.includes(secret)) findings.push(`${what} has read the host's`);
      }
      return unless(
        [...canary.changes(), ...findings],
        `${bodies.length} Dockerfiles, ${built} of them built`,
      );
    },
  },
  {
    ids: ["CVE-2024-1753", "CVE-2024-11218"],
    title: "a build shows RUN what a link of an image leads to",
    tried: "RUN --mount=type=bind,from=IMAGE of a link out",
    run: (world): Outcome => {
      if (Bun.which("buildah") === null) return notApplicable("buildah is not installed");
      const canary = world.canary();
      const context = world.directory("context");
      const base = world.image([[link("link", canary.path)]]);
      world.ground.pivot(["rmi", "-f", "base:1"]);
      const loaded = world.ground.pivot(["load", "-i", base.replace("oci:", "")]).stdout;
      const id = /sha256:[0-9a-f]{64}/.exec(loaded)?.[0] ?? "";
      world.ground.pivot(["tag", id, "base:1"]);
      const mount = "--mount=type=bind,from=base:1,source=/link,target=/in";
      writeFileSync(`${context}/Dockerfile`, `FROM base:1\nRUN ${mount} cat /in/file >/got\n`);
      const ran = world.ground.pivot(["build", "--network", "none", "-t", "got:1", context]);
      const got = world.ground.run(["got:1", "cat", "/got"]).stdout.includes(secret);
      if (!got) {
        const failed = ran.code === 0 ? [] : [`it did not build: ${ran.stderr.trim()}`];
        return unless([...canary.changes(), ...failed], "it is not the host's");
      }
      if (!ran.stderr.includes("CVE-2024-11218")) return unless(["and nothing warns of it"], "");
      return notApplicable(
        "open: this machine's buildah is older than 1.38.1, of which pivot warns",
      );
    },
  },
];
