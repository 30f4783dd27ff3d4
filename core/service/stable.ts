/** Which programs are still there tomorrow. Pure. */

/** Folders of tools that switch versions, and so take one away some day. */
const PASSING: readonly (readonly [RegExp, string])[] = [
  [/\/\.?nvm\//, "nvm"],
  [/\/\.?fnm(?:_multishells)?\//, "fnm"],
  [/\/\.volta\//, "Volta"],
  [/\/\.asdf\//, "asdf"],
  [/\/mise\//, "mise"],
  [/\/\.nodenv\//, "nodenv"],
  [/\/\.nodebrew\//, "nodebrew"],
  [/\/n\/versions\//, "n"],
  [/\/_npx\//, "npx"],
  [/\/pnpm\/dlx/, "pnpm dlx"],
  [/\/Cellar\//, "Homebrew, by version"],
  [/^\/nix\/store\//, "Nix, by version"],
  [/\/hostedtoolcache\//, "a runner of CI"],
];

/** Where a Node is that is updated in place, the most usual first. */
export const LASTING_NODES = [
  "/usr/bin/node",
  "/usr/local/bin/node",
  "/opt/homebrew/bin/node",
  "/opt/homebrew/opt/node/bin/node",
  "/home/linuxbrew/.linuxbrew/bin/node",
] as const;

/** Who may take this file away; undefined: nobody whom we know. */
export function keeperOf(path: string): string | undefined {
  return PASSING.find(([pattern]) => pattern.test(path))?.[1];
}

/** The first that runs this program as it is written: types are stripped without a word. */
const OLDEST_NODE = 24;

/** @param told - What `node --version` prints. */
export function isNewEnough(told: string): boolean {
  const major = /^v(?<major>\d+)\./.exec(told.trim())?.groups?.["major"];
  return major !== undefined && Number(major) >= OLDEST_NODE;
}
