import { listMethods } from "./list.ts";
import type { NamedMethod, WebhookMethodParts } from "./parts.ts";
import { replayMethods } from "./replay.ts";
import { routeMethods } from "./routes.ts";
import { showMethods } from "./show.ts";
import { testMethods } from "./try-route.ts";

/**
 * All that can be seen of webhooks and done about them, for the command line and for UIs. Reading
 * needs `operator.read`; running, dropping and sending something needs `operator.admin`.
 */
export function webhookMethods(parts: WebhookMethodParts): readonly NamedMethod[] {
  return [
    ...listMethods(parts),
    ...showMethods(parts),
    ...replayMethods(parts),
    ...routeMethods(parts),
    ...testMethods(parts),
  ];
}
