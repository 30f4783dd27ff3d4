/**
 * The HTTP API as an OpenAPI 3.1 document: made of the route table and of the schemas that read the
 * bodies, so it cannot say anything else than they do. Pure.
 *
 * Source: https://spec.openapis.org/oas/v3.1.1
 */
import * as z from "zod";
import { HOOKS_PATH, type Route, ROUTE_TABLE, type Guard } from "../routes.ts";
import { SELECT_HEADERS } from "../selection.ts";
import { type OperationDoc, OPERATIONS } from "./operations.ts";
import { refTo, type SchemaName, SCHEMAS } from "./schemas.ts";

type Json = Readonly<Record<string, unknown>>;

export interface DocumentFacts {
  readonly version: string;
  /** Below which path webhooks are posted. */
  readonly hooksPath: string;
}

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: "The request is not understood; `code` and `error.param` say what",
  401: "No valid credential",
  403: "The credential is not good for this",
  404: "There is none",
  405: "Not by this method; `Allow` says by which",
  408: "The body takes too long",
  413: "The body is too large",
  415: "The body is no JSON",
  429: "Too many requests; `Retry-After` says when to come again",
  500: "Something failed here",
  502: "The model's provider failed",
  503: "Not now; `Retry-After` says when to come again",
  504: "The model's provider did not answer in time",
};

const SUMMARY_OF_HEADERS = {
  agent: "The agent, in place of the one that `model` names",
  session: "A session to go on with; for the owner only",
  model: "`provider/model` in place of the agent's own; for the owner only",
  channel: "Where the message came from",
} as const satisfies Record<keyof typeof SELECT_HEADERS, string>;

const SELECTING: ReadonlySet<string> = new Set(["createChatCompletion", "createResponse"]);

/** The whole document, as JSON. */
export function openApiDocument({ version, hooksPath }: DocumentFacts): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, doc] of Object.entries(OPERATIONS)) {
    const route = ROUTE_TABLE.get(name);
    if (route === undefined) continue;
    for (const [index, path] of route.paths.entries()) {
      const place = path.replace(HOOKS_PATH, hooksPath);
      const id = index === 0 ? name : `${name}${index + 1}`;
      paths[place] = {
        ...paths[place],
        [route.method.toLowerCase()]: operation(id, path, route, doc),
      };
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sallyport",
      version,
      description: "A self-hosted AI gateway: agents behind the APIs that OpenAI clients speak.",
      license: { name: "MIT", identifier: "MIT" },
    },
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "The gateway's token, or a device's",
        },
      },
      schemas: SCHEMAS,
    },
  };
}

function operation(id: string, path: string, route: Route, doc: OperationDoc): Json {
  const { access } = route;
  const guard = typeof access === "object" ? access : undefined;
  const parameters = [
    ...path
      .matchAll(/\{(?<name>\w+)\}/g)
      .map(({ groups }) => pathParameter(groups?.["name"] ?? "")),
    ...(SELECTING.has(id.replace(/\d$/, "")) ? headerParameters() : []),
  ];
  return {
    operationId: id,
    summary: doc.summary,
    ...(doc.description === undefined ? {} : { description: doc.description }),
    tags: [doc.tag],
    security: securityOf(access),
    ...(guard === undefined ? {} : { "x-sallyport-scope": guard.scope }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(doc.body === undefined ? {} : { requestBody: requestBody(doc.body) }),
    responses: { ...successes(doc), ...errors(doc, guard, id.startsWith("invokeTool")) },
  };
}

/** Who needs none may show one: health tells more then. */
function securityOf(access: Route["access"]): readonly Json[] {
  const bearer = { bearer: [] };
  if (typeof access === "object") return [bearer];
  return access === "open" ? [{}, bearer] : [bearer, {}];
}

function pathParameter(name: string): Json {
  return { name, in: "path", required: true, schema: { type: "string" } };
}

function headerParameters(): Json[] {
  return Object.entries(SUMMARY_OF_HEADERS).map(([key, description]) => ({
    name: new Map(Object.entries(SELECT_HEADERS)).get(key),
    in: "header",
    description,
    schema: { type: "string" },
  }));
}

function requestBody({ schema, example }: NonNullable<OperationDoc["body"]>): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return { required: true, content: { "application/json": { schema: json, example } } };
}

function successes({ answers, streams }: OperationDoc): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, body]) => {
      const description = Number(status) < 300 ? "Done" : "Not now";
      return [status, { description, ...contentOf(body, streams === true) }];
    }),
  );
}

function contentOf(
  body: SchemaName | "none" | "text/plain",
  streams: boolean,
): { readonly content?: Json } {
  if (body === "none") return {};
  if (body === "text/plain") return { content: { [body]: { schema: { type: "string" } } } };
  const stream = streams ? { "text/event-stream": { schema: { type: "string" } } } : {};
  return { content: { "application/json": { schema: refTo(body) }, ...stream } };
}

function errors(doc: OperationDoc, guard: Guard | undefined, isTool: boolean): Json {
  const statuses = new Set<number>([
    ...(guard === undefined ? [] : [401, 403, 429]),
    ...(doc.body === undefined ? [] : [400, 413, 415]),
    ...(doc.errors ?? []),
  ]);
  const schema = refTo(isTool ? "ToolProblem" : "Problem");
  const problem = { "application/problem+json": { schema } };
  const refusals = Object.entries(doc.refusals ?? {}).map(([status, body]) => {
    return [Number(status), { ...contentOf(body, false).content, ...problem }] as const;
  });
  const contents = new Map([...[...statuses].map((one) => [one, problem] as const), ...refusals]);
  return Object.fromEntries(
    [...contents].map(([status, content]) => {
      return [status, { description: STATUS_TEXTS[status], content }];
    }),
  );
}
