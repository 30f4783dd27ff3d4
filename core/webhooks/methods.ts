import { listMethods } from "./methods-list.ts";
import type { NamedMethod, WebhookMethodParts } from "./methods-parts.ts";
import { replayMethods } from "./methods-replay.ts";
import { routeMethods } from "./methods-routes.ts";
import { showMethods } from "./methods-show.ts";
import { testMethods } from "./methods-test.ts";

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
