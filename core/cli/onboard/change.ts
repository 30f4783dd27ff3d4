/** What is to be set up -> what changes in the config. Pure. */
import type { Tree } from "../../config/tree.ts";
import type { OnboardPlan } from "./flags.ts";

/** Secrets are in it as they are: whoever writes it decides where they go. */
export function changeOf({ mode, model, values }: OnboardPlan): Tree {
  return trimmed({
    gateway: {
      mode,
      ...gatewayOf(values),
      ...(mode === "remote" ? { remote: remoteOf(values) } : {}),
    },
    agents: {
      defaults: {
        workspace: values.workspace,
        model: model === undefined ? undefined : { primary: model.ref },
      },
    },
    models:
      model === undefined ? undefined : { providers: { [model.provider]: providerOf(model) } },
    channels:
      values.channel === undefined
        ? undefined
        : { telegram: { enabled: true, botToken: values["channel-token"] } },
    sallyport: { edge: { url: values["edge-url"], pairing: values["edge-pairing"] } },
  });
}

function providerOf({ key, variable, baseUrl, api }: NonNullable<OnboardPlan["model"]>): Tree {
  const apiKey = variable === undefined ? key?.reveal() : `\${${variable}}`;
  return { apiKey, baseUrl, api };
}

/** What nobody says anything of stays as it is: a token that works above all. */
function gatewayOf(values: OnboardPlan["values"]): Tree {
  const reference = values["gateway-token-ref-env"];
  const token = reference === undefined ? values["gateway-token"] : `\${${reference}}`;
  const password = values["gateway-password"];
  return {
    port: values["gateway-port"],
    bind: values["gateway-bind"],
    auth: { mode: values["gateway-auth"], token, password },
  };
}

function remoteOf(values: OnboardPlan["values"]): Tree {
  const { "remote-url": url, "remote-token": token, "remote-password": password } = values;
  return { url, token, password };
}

/** Without what is undefined, and objects that have nothing else in them. */
function trimmed(tree: Tree): Tree {
  const entries = Object.entries(tree).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined) return [];
    if (!isObject(value)) return [[key, value]];
    const child = trimmed(value);
    return Object.keys(child).length === 0 ? [] : [[key, child]];
  });
  return Object.fromEntries(entries);
}

function isObject(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
