import { shellQuote } from "../terminal/shell-quote.ts";

/**
 * What `sallyport edge` tells people. Pure, and without one secret: a command shows where one is,
 * and the shell that runs it reads it there.
 */

/** An edge a core can be connected to. */
export interface Reachable {
  /** Base URL without a slash at the end. */
  readonly url: string;
  readonly pairingFile: string;
  /** Where the pairing file is, when it need not be the machine of the core: `me@vps`. */
  readonly host?: string | undefined;
  /** Certificate that no authority vouches for. */
  readonly trustFile?: string | undefined;
}

/** Runs the program wherever it is installed: in a checkout it is on nobody's PATH. */
const PROGRAM = "npx sallyport";

/** The two commands that connect a core, one a line. */
export function connectCommands({ url, pairingFile, trustFile }: Reachable): string[] {
  const variables = [
    `SALLYPORT_EDGE_URL=${shellQuote(url)}`,
    `SALLYPORT_EDGE_PAIRING="$(cat ${shellQuote(pairingFile)})"`,
    ...(trustFile === undefined ? [] : [`NODE_EXTRA_CA_CERTS=${shellQuote(trustFile)}`]),
  ];
  return [`export ${variables.join(" ")}`, `${PROGRAM} gateway`];
}

/** What to do next, after an edge has been started or deployed. */
export function connectText(reachable: Reachable): string {
  const { host, pairingFile, trustFile } = reachable;
  const [first = "", second = ""] = connectCommands(reachable);
  const elsewhere =
    host === undefined
      ? ""
      : `
From another machine, read the secret there instead: "$(ssh ${host} cat ${shellQuote(pairingFile)})"${
          trustFile === undefined ? "" : `,\nand take a copy of the certificate along`
        }.
`;
  return `Connect a core to it (once; it keeps a key of its own afterwards):

  ${first}
  ${second}
${elsewhere}`;
}

export interface ServeReady {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly runtimePid: number;
  readonly storage: string;
  readonly pairingFile: string;
}

/** What scripts read, one line. */
export function serveReadyLine(ready: ServeReady): string {
  return `${JSON.stringify({ event: "ready", ...ready })}\n`;
}

export function serveBanner(ready: ServeReady, reachable: Reachable): string {
  return `
The edge is running.

  URL       ${ready.url}
  Storage   ${ready.storage}

${connectText(reachable)}
Ctrl-C stops it.
`;
}
