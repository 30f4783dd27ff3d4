/** The gateway as a launch agent of macOS. Pure. */
import { checkLine, type Definition, searchPath } from "./definition.ts";
import { originLine, sealed } from "./seal.ts";

/** What a property list is made of here. */
type Value = string | number | boolean | readonly string[] | { readonly [key: string]: Value };

/** Seconds between two starts; also launchd's own. */
const THROTTLE_SEC = 10;
/** 0077: launchd takes it as a decimal number. */
const UMASK = 63;

const comment = (text: string): string => `<!-- ${text} -->`;

/**
 * The text of a property list. Nothing secret is in it: what people keep for the service is in a
 * file that Node reads itself, because launchd knows none.
 *
 * Source: launchd.plist(5).
 *
 * @param logFile - For the words of a start that failed; what runs logs into files of its own.
 * @throws GatewayError invalid_request for a path that no property list can hold.
 */
export function plistText(definition: Definition, label: string, logFile: string): string {
  const { node, entry, args, variables, envFile, stopSec } = definition;
  const agent: Value = {
    Label: label,
    ProgramArguments: [node, `--env-file-if-exists=${envFile}`, entry, ...args],
    EnvironmentVariables: { PATH: searchPath(node), ...variables, SALLYPORT_SERVICE: "launchd" },
    WorkingDirectory: "/",
    RunAtLoad: true,
    // One that ends by itself has a reason to; one that fails is started again.
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: THROTTLE_SEC,
    ExitTimeOut: stopSec,
    ProcessType: "Background",
    Umask: UMASK,
    StandardOutPath: "/dev/null",
    StandardErrorPath: logFile,
  };
  const lines = [
    `<?xml version="1.0" encoding="UTF-8"?>`,
    originLine(definition, comment),
    `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">`,
    `<plist version="1.0">`,
    ...xml(agent, ""),
    "</plist>",
    "",
  ];
  return sealed(lines.join("\n"), comment);
}

function xml(value: Value, indent: string): string[] {
  if (typeof value === "string") return [`${indent}<string>${escaped(value)}</string>`];
  if (typeof value === "number") return [`${indent}<integer>${value}</integer>`];
  if (typeof value === "boolean") return [`${indent}<${value ? "true" : "false"}/>`];
  const deeper = `${indent}\t`;
  if (isList(value)) {
    return [`${indent}<array>`, ...value.flatMap((one) => xml(one, deeper)), `${indent}</array>`];
  }
  const entries = Object.entries(value).flatMap(([key, one]) => [
    `${deeper}<key>${escaped(key)}</key>`,
    ...xml(one, deeper),
  ]);
  return [`${indent}<dict>`, ...entries, `${indent}</dict>`];
}

function isList(value: Value): value is readonly string[] {
  return Array.isArray(value);
}

function escaped(text: string): string {
  return checkLine(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
