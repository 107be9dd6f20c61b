/**
 * Docker's credential programs: `docker-credential-NAME get|store|erase`, which speak JSON.
 *
 * @see https://github.com/docker/docker-credential-helpers
 */
import { spawn } from "node:child_process";
import { parseObject, readString } from "../image/document.ts";
import { codeOf, ImageError, quote } from "../image/error.ts";
import type { Credentials } from "./credentials.ts";

const answerBytesMax = 256 * 1024;
const timeLimit = 60_000;
/** In place of a user's name: the secret is an identity token. */
const tokenUser = "<token>";

type Said = { readonly code: number | null; readonly stdout: Buffer; readonly stderr: string };

function run(name: string, action: string, input: string): Promise<Said> {
  // It becomes part of a program's name, which must not lead anywhere else.
  if (!/^[\w.-]+$/.test(name)) {
    throw new ImageError("unsupported", `${quote(name)} cannot be the name of a credential helper`);
  }
  const program = `docker-credential-${name}`;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], { stdio: ["pipe", "pipe", "pipe"], timeout: timeLimit });
    const out: Buffer[] = [];
    let length = 0;
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= answerBytesMax) out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (stderr.length < 4096) stderr += chunk.toString("utf8");
    });
    child.once("error", (cause) => {
      const why = codeOf(cause) === "ENOENT" ? "it is not installed" : codeOf(cause);
      const message = `cannot start the credential helper ${program}: ${why}`;
      reject(new ImageError("unsupported", message, { cause }));
    });
    child.once("close", (code) => resolve({ code, stdout: Buffer.concat(out), stderr }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function complain(name: string, action: string, said: Said): ImageError {
  const words = (said.stdout.toString("utf8") + said.stderr).trim();
  return new ImageError(
    "unsupported",
    `docker-credential-${name} ${action} ended with status ${said.code}: ${quote(words)}`,
  );
}

/** What the program knows of a registry; undefined: nothing. */
export async function askCredentialHelper(
  name: string,
  key: string,
): Promise<Credentials | undefined> {
  const said = await run(name, "get", key);
  if (said.code !== 0) {
    const words = said.stdout.toString("utf8") + said.stderr;
    if (/credentials not found/i.test(words)) return undefined;
    throw complain(name, "get", said);
  }
  const document = `what docker-credential-${name} says`;
  const place = { document, field: "" };
  const object = parseObject(said.stdout, document);
  const username = readString(object, "Username", place) ?? "";
  const secret = readString(object, "Secret", place) ?? "";
  if (secret === "") return undefined;
  if (username === tokenUser) return { kind: "identity", token: secret };
  return { kind: "password", username, password: secret };
}

export async function storeByHelper(
  name: string,
  key: string,
  credentials: Credentials,
): Promise<void> {
  const [Username, Secret] =
    credentials.kind === "identity"
      ? [tokenUser, credentials.token]
      : [credentials.username, credentials.password];
  const said = await run(name, "store", JSON.stringify({ ServerURL: key, Username, Secret }));
  if (said.code !== 0) throw complain(name, "store", said);
}

export async function eraseByHelper(name: string, key: string): Promise<void> {
  const said = await run(name, "erase", key);
  if (said.code !== 0 && !/credentials not found/i.test(`${said.stdout}${said.stderr}`)) {
    throw complain(name, "erase", said);
  }
}
