import { describe, expect, test } from "bun:test";
import { applyChanges, type ConfigDocument } from "./change.ts";

const base: ConfigDocument = {
  Entrypoint: ["/init"],
  Cmd: ["serve"],
  Env: ["PATH=/bin", "HOME=/root"],
  WorkingDir: "/srv",
  Labels: { a: "1" },
};

describe("a change of an image's config", () => {
  const cases: readonly (readonly [string, readonly string[], Partial<ConfigDocument>])[] = [
    ["a list", ['CMD ["a", "b c"]'], { Cmd: ["a", "b c"] }],
    ["a line for the shell", ["CMD echo $HOME"], { Cmd: ["/bin/sh", "-c", "echo $HOME"] }],
    ["no list after all", ["cmd [a, b]"], { Cmd: ["/bin/sh", "-c", "[a, b]"] }],
    ["an entrypoint drops the command", ['ENTRYPOINT ["x"]'], { Entrypoint: ["x"], Cmd: null }],
    [
      "an entrypoint leaves a command that came with it",
      ['CMD ["y"]', 'ENTRYPOINT ["x"]'],
      { Entrypoint: ["x"], Cmd: ["y"] },
    ],
    [
      "pairs",
      ["ENV A=1 B=\"two words\" C=$PATH/x D='$PATH' E=a\\ b"],
      { Env: ["PATH=/bin", "HOME=/root", "A=1", "B=two words", "C=/bin/x", "D=$PATH", "E=a b"] },
    ],
    ["one pair with blanks", ["ENV A b  c"], { Env: ["PATH=/bin", "HOME=/root", "A=b  c"] }],
    ["a pair again", ["ENV HOME=/h"], { Env: ["PATH=/bin", "HOME=/h"] }],
    [
      "what variables stand for",
      ["ENV A=${NONE:-x} B=${HOME:+set} C=${NONE:+set}", "LABEL l=${A}$B"],
      {
        Env: ["PATH=/bin", "HOME=/root", "A=x", "B=set", "C="],
        Labels: { a: "1", l: "xset" },
      },
    ],
    [
      "ports",
      ["EXPOSE 80 53/udp 8000-8001"],
      { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } },
    ],
    ["volumes in words", ["VOLUME /a /b"], { Volumes: { "/a": {}, "/b": {} } }],
    ["volumes in a list", ['VOLUME ["/a b"]'], { Volumes: { "/a b": {} } }],
    ["a user", ["USER daemon:daemon"], { User: "daemon:daemon" }],
    ["a directory", ["WORKDIR /a/../b"], { WorkingDir: "/b" }],
    ["a directory below", ["WORKDIR sub", "WORKDIR $HOME"], { WorkingDir: "/root" }],
    ["a relative one", ["WORKDIR sub"], { WorkingDir: "/srv/sub" }],
    ["a signal", ["STOPSIGNAL SIGQUIT"], { StopSignal: "SIGQUIT" }],
    ["for later", ["ONBUILD RUN make"], { OnBuild: ["RUN make"] }],
    [
      "health",
      ["HEALTHCHECK --interval=1m30s --retries=2 CMD curl -f localhost"],
      {
        Healthcheck: {
          Test: ["CMD-SHELL", "curl -f localhost"],
          Interval: 90e9,
          Retries: 2,
        },
      },
    ],
    ["no health", ["HEALTHCHECK NONE"], { Healthcheck: { Test: ["NONE"] } }],
  ];
  for (const [name, changes, expected] of cases) {
    test(name, () => {
      expect(applyChanges(base, changes)).toEqual({ ...base, ...expected });
    });
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ["RUN make", /none of CMD, ENTRYPOINT, ENV/],
    ["constructor x", /none of CMD/],
    ["CMD", /CMD says nothing/],
    ["", /none of CMD/],
    ["ENV A", /needs a name and a value/],
    ['ENV A="b', /" is not closed/],
    ["ENV A=${B", /\$\{ is not closed/],
    ["EXPOSE 70000", /is no port/],
    ["EXPOSE 9-8", /is no port/],
    ["ONBUILD FROM x", /cannot hold/],
    ["HEALTHCHECK --interval=soon CMD x", /is no time/],
    ["HEALTHCHECK RUN x", /CMD or NONE/],
    ["A\nB", /none of CMD/],
  ];
  for (const [change, expected] of refused) {
    test(`refused: ${JSON.stringify(change)}`, () => {
      expect(() => applyChanges(base, [change])).toThrow(expected);
    });
  }
});
