/** The debugger: a container that is made step by step, as the lines that are typed say. */

import { describeFailure } from "../executor/failure.ts";
import type { Outcome } from "../executor/spawn.ts";
import { catalogue, type OpName } from "../plan/catalogue.ts";
import type { Facts } from "../planner/facts.ts";
import { descriptorsOf, mountInfoOf } from "./actors.ts";
import type { Recorder } from "./record.ts";
import type { Session } from "./session.ts";
import { shellInside, shellOutside } from "./shell.ts";
import { changedMounts, descriptorsText, mountsText, slotsOf, stepLine, stepText } from "./show.ts";
import { helpText, readCommand, type TypedCommand } from "./words.ts";

export type DebugWish = {
  readonly session: Session;
  readonly id: string;
  /** Of the container's state. */
  readonly directory: string;
  readonly facts: Facts;
  /** Standard input is a terminal. */
  readonly isTerminal: boolean;
  readonly say: (text: string) => void;
  /** Told before the program gets the terminal. */
  readonly onProgram: () => void;
  readonly recorder: Recorder | null;
};

type Tables = { readonly parent: string | null; readonly init: string | null };

const repeated = new Set(["step", "next", "continue"]);

export class Debugger {
  readonly #wish: DebugWish;
  readonly #breakpoints = new Set<number>();
  /** The step before which it stops, by index. */
  #at = 0;
  #init: number | null = null;
  #before: Tables = { parent: null, init: null };
  #last = "";
  #outcome: Outcome | null = null;

  constructor(wish: DebugWish) {
    this.#wish = wish;
  }

  get outcome(): Outcome | null {
    return this.#outcome;
  }

  #say = (text: string): void => this.#wish.say(text);

  #tables = (): Tables => ({
    parent: mountInfoOf(this.#wish.session.parent),
    init: mountInfoOf(this.#init),
  });

  /** Waits for the first stop. */
  async begin(): Promise<void> {
    await this.#arrive();
    if (this.#outcome === null) this.#before = this.#tables();
  }

  /** Waits until it is stopped, or until all is over. */
  async #arrive(): Promise<void> {
    const { session, recorder } = this.#wish;
    for (;;) {
      const happening = await session.next();
      if (happening.kind === "ended") {
        this.#outcome = happening.outcome;
        recorder?.end(happening.outcome);
        return;
      }
      this.#init = happening.init;
      if (happening.kind === "stopped") {
        this.#at = happening.step;
        recorder?.after(this.#at, session.parent, this.#init);
        return;
      }
      const program = session.plan.steps.findIndex(({ op }) => op.op === "exec");
      recorder?.after(program + 1, session.parent, this.#init);
    }
  }

  /** Does the next step. @returns false when there is nothing to stop at any more */
  async #step(): Promise<boolean> {
    if (this.#at === this.#wish.session.last) this.#wish.onProgram();
    this.#wish.session.resume();
    await this.#arrive();
    return this.#outcome === null;
  }

  #where(): void {
    this.#say(`-> ${stepLine(this.#wish.session.plan, this.#at, this.#wish.id)}\n`);
  }

  /** What the steps since the last stop did to the tables. */
  #showChanges(): void {
    const now = this.#tables();
    for (const who of ["parent", "init"] as const) {
      // Of init's own table nothing is new when it has just been made: it is a copy.
      if (this.#before[who] === null) continue;
      const lines = changedMounts(this.#before[who], now[who]);
      if (lines.length > 0)
        this.#say(`   mounts of ${who}:\n${lines.map((line) => `     ${line}\n`).join("")}`);
    }
    this.#before = now;
  }

  /** @param isEnough says when to stop, being told the step that was done */
  async #run(isEnough: (done: number) => boolean, isShown: boolean): Promise<void> {
    const { session, id } = this.#wish;
    for (;;) {
      const done = this.#at;
      if (isShown) this.#say(`   ${stepLine(session.plan, done, id)}\n`);
      if (isShown && done === session.last) this.#sayRest();
      if (!(await this.#step())) return;
      if (isEnough(done) || this.#breakpoints.has(this.#at)) break;
    }
    this.#showChanges();
    this.#where();
  }

  /** What init does without a stop, behind the last step that is shown. */
  #sayRest(): void {
    const { plan, last } = this.#wish.session;
    const exec = plan.steps.findIndex(({ op }) => op.op === "exec");
    if (exec <= last) return;
    this.#say(`   …steps ${last + 2} to ${exec + 1}: under the filter, init takes no turns\n`);
  }

  /** The steps that a word means: a number of the plan's, or the name of an operation. */
  #stepsOf(word: string): number[] {
    const { steps } = this.#wish.session.plan;
    if (/^\d+$/.test(word)) {
      const index = Number(word) - 1;
      if (steps[index] !== undefined) return [index];
      this.#say(`there is no step ${word}: the plan has ${steps.length}\n`);
      return [];
    }
    const found = steps.flatMap(({ op }, i) => (op.op === word ? [i] : []));
    if (found.length === 0) {
      this.#say(
        Object.hasOwn(catalogue, word satisfies string as OpName)
          ? `no step of this plan is a ${word}\n`
          : `there is no operation ${word}: \`list all\` shows the plan\n`,
      );
    }
    return found;
  }

  #list(word: string): void {
    const { plan } = this.#wish.session;
    const around = /^\d+$/.test(word) ? Number(word) - 1 : this.#at;
    const [from, to] = word === "all" ? [0, plan.steps.length] : [around - 4, around + 9];
    for (let i = Math.max(0, from); i < Math.min(to, plan.steps.length); i++) {
      const mark = i === this.#at ? "->" : this.#breakpoints.has(i) ? " *" : "  ";
      this.#say(`${mark} ${stepLine(plan, i, this.#wish.id)}\n`);
    }
  }

  #break(word: string): void {
    const { plan, last } = this.#wish.session;
    if (word === "") {
      const all = [...this.#breakpoints].sort((a, b) => a - b);
      this.#say(
        all.length === 0
          ? "no breakpoints\n"
          : all.map((i) => ` * ${stepLine(plan, i, this.#wish.id)}\n`).join(""),
      );
      return;
    }
    for (const index of this.#stepsOf(word)) {
      if (index > last) {
        this.#say(
          `it cannot stop before step ${index + 1}: from step ${last + 1} on (${plan.steps[last]?.op.op}) init takes no turns\n`,
        );
        continue;
      }
      this.#breakpoints.add(index);
      this.#say(` * ${stepLine(plan, index, this.#wish.id)}\n`);
    }
  }

  #delete(word: string): void {
    if (word === "") this.#breakpoints.clear();
    else for (const index of this.#stepsOf(word)) this.#breakpoints.delete(index);
  }

  #print(word: string): void {
    const { plan } = this.#wish.session;
    const found = word === "" ? [this.#at] : this.#stepsOf(word);
    for (const index of found) this.#say(stepText(plan, index, this.#wish.id));
  }

  #mounts(word: string): void {
    const now = this.#tables();
    if (word !== "init") {
      this.#say(
        mountsText(`parent (${this.#wish.session.parent})`, this.#before.parent, now.parent),
      );
    }
    if (word === "parent") return;
    if (this.#init === null) this.#say("init: there is none yet, `clone` makes it\n");
    else this.#say(mountsText(`init (${this.#init})`, this.#before.init, now.init));
  }

  #fds(word: string): void {
    const { plan, parent } = this.#wish.session;
    const show = (who: "parent" | "init", pid: number | null): void => {
      this.#say(
        descriptorsText(`${who} (${pid})`, descriptorsOf(pid), slotsOf(plan, this.#at, who)),
      );
    };
    if (word !== "init") show("parent", parent);
    if (word !== "parent" && this.#init !== null) show("init", this.#init);
  }

  async #shell({ words, rest }: TypedCommand): Promise<void> {
    const isOutside = words[0] === "parent";
    const command = isOutside ? rest.slice("parent".length).trim() : rest;
    if (command === "" && !this.#wish.isTerminal) {
      this.#say("a shell needs a terminal: say which command, `shell ls -l /`\n");
      return;
    }
    if (!isOutside && this.#init === null) {
      this.#say(
        "there is no container yet: `clone` makes its first process; `shell parent` is a shell on the host\n",
      );
      return;
    }
    const trouble = isOutside
      ? await shellOutside(command)
      : await shellInside(this.#init ?? 0, { ...this.#wish, command });
    if (trouble !== null) this.#say(`${trouble}\n`);
    // What somebody did by hand is not what a step did.
    else this.#before = this.#tables();
  }

  /**
   * Does what a line says.
   *
   * @returns whether there is more to do
   */
  async execute(line: string): Promise<boolean> {
    const text = line.trim() === "" ? this.#last : line;
    if (text === "") return true;
    const command = readCommand(text);
    if (command === null) {
      this.#say(
        `what is ${JSON.stringify(text.trim().split(/\s+/)[0])}? \`help\` lists the commands\n`,
      );
      return true;
    }
    this.#last = repeated.has(command.name) ? text : "";
    return this.#do(command);
  }

  async #do(command: TypedCommand): Promise<boolean> {
    const [word = ""] = command.words;
    switch (command.name) {
      case "step": {
        const count = word === "" ? 1 : Number(word);
        if (!Number.isInteger(count) || count < 1) {
          this.#say(`step takes a number, received ${JSON.stringify(word)}\n`);
          return true;
        }
        let left = count;
        await this.#run(() => --left === 0, true);
        break;
      }
      case "next": {
        const { steps } = this.#wish.session.plan;
        const by = steps[this.#at]?.by;
        await this.#run(() => steps[this.#at]?.by !== by, true);
        break;
      }
      case "continue":
        await this.#run(() => false, false);
        break;
      case "break":
        this.#break(word);
        break;
      case "delete":
        this.#delete(word);
        break;
      case "list":
        this.#list(word);
        break;
      case "print":
        this.#print(word);
        break;
      case "mounts":
        this.#mounts(word);
        break;
      case "fds":
        this.#fds(word);
        break;
      case "shell":
        await this.#shell(command);
        break;
      case "where":
        this.#where();
        break;
      case "help":
        this.#say(helpText());
        break;
      default:
        await this.quit();
    }
    return this.#outcome === null;
  }

  /** Does all steps without a stop: for a record. */
  async runThrough(): Promise<void> {
    while (this.#outcome === null && (await this.#step())) {
      // Each stop is noted by `#arrive`.
    }
  }

  /** Undoes everything, and waits for that. */
  async quit(): Promise<void> {
    this.#wish.session.end();
    await this.settle();
  }

  /** Waits until all is undone. */
  async settle(): Promise<void> {
    while (this.#outcome === null) await this.#arrive();
  }

  /** How it ended, in words; empty when the program's end says it all. */
  endText(isQuit: boolean): string {
    const outcome = this.#outcome;
    if (outcome === null) return "";
    const { plan } = this.#wish.session;
    const left = outcome.left.map((failure) => describeFailure(plan, failure));
    if (left.length > 0) return left.join("; ");
    if (outcome.failure === null || isQuit) return "";
    return describeFailure(plan, outcome.failure);
  }
}
