/** Deep links: `#pivot-root/5/without/2,3` is a lesson, a step of it, and what is left out. */

export type Address = {
  /** A lesson's id, `playground`, `trace` or `live`; empty: the page's beginning. */
  readonly page: string;
  readonly step: number;
  readonly leftOut: readonly number[];
};

const number = (text: string | undefined): number => {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 && value < 10_000 ? value : 0;
};

/** @param hash with or without the `#`; what makes no sense in it is 0, or left away */
export function readAddress(hash: string): Address {
  const [page = "", step, word, list] = hash.replace(/^#\/?/, "").split("/");
  const leftOut = word === "without" && list !== undefined ? list.split(",").map(number) : [];
  return { page, step: number(step), leftOut: leftOut.filter((each) => each > 0) };
}

export function writeAddress({ page, step, leftOut }: Address): string {
  const without = leftOut.length === 0 ? "" : `/without/${leftOut.join(",")}`;
  return `#${page}${step === 0 && without === "" ? "" : `/${step}`}${without}`;
}
