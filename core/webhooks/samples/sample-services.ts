/** What services send that host code, take payments or keep customers. Pure. */
import { type Made, SAMPLE_TEXT, type SampleSeed, seconds } from "./sample-made.ts";

const GITHUB_REPOSITORY = {
  id: 1,
  name: "sample",
  full_name: "octocat/sample",
  default_branch: "main",
  html_url: "https://github.com/octocat/sample",
};
const OCTOCAT = { login: "octocat", id: 583_231, type: "User" };

export function githubPush(_event: string, { id, now }: SampleSeed): Made {
  const commit = {
    id: id.replaceAll("-", "").padEnd(40, "0").slice(0, 40),
    message: SAMPLE_TEXT,
    timestamp: new Date(now).toISOString(),
    author: { name: "Octocat", email: "octocat@users.noreply.github.com" },
    added: [],
    removed: [],
    modified: ["README.md"],
  };
  return {
    headers: { "x-github-event": "push" },
    body: {
      ref: "refs/heads/main",
      before: "0".repeat(40),
      after: commit.id,
      repository: GITHUB_REPOSITORY,
      pusher: { name: "octocat" },
      sender: OCTOCAT,
      commits: [commit],
      head_commit: commit,
    },
  };
}

export function githubIssue(event: string): Made {
  const issue = { number: 1, title: SAMPLE_TEXT, body: SAMPLE_TEXT, state: "open", user: OCTOCAT };
  return {
    headers: { "x-github-event": event },
    body: { action: "opened", issue, repository: GITHUB_REPOSITORY, sender: OCTOCAT },
  };
}

export function githubPull(event: string): Made {
  const pull = { number: 2, title: SAMPLE_TEXT, state: "open", draft: false, user: OCTOCAT };
  return {
    headers: { "x-github-event": event },
    body: {
      action: "opened",
      number: 2,
      pull_request: pull,
      repository: GITHUB_REPOSITORY,
      sender: OCTOCAT,
    },
  };
}

export function githubPing(): Made {
  const hook = { type: "Repository", id: 1, name: "web", active: true, events: ["push"] };
  return {
    headers: { "x-github-event": "ping" },
    body: { zen: "Keep it logically awesome.", hook_id: 1, hook, repository: GITHUB_REPOSITORY },
  };
}

export function gitlabPush(_event: string, { id }: SampleSeed): Made {
  const project = { id: 1, name: "Sample", path_with_namespace: "group/sample" };
  return {
    headers: { "x-gitlab-event": "Push Hook", "x-gitlab-instance": "https://gitlab.com" },
    body: {
      object_kind: "push",
      event_name: "push",
      ref: "refs/heads/main",
      checkout_sha: id.replaceAll("-", "").padEnd(40, "0"),
      user_username: "sample",
      project_id: 1,
      project,
      commits: [{ id: "da1560886d4f094c3e6c9ef40349f7d38b5d27d7", message: SAMPLE_TEXT }],
      total_commits_count: 1,
    },
  };
}

export function stripe(event: string, { id, now }: SampleSeed): Made {
  return {
    body: {
      id: `evt_${id.replaceAll("-", "")}`,
      object: "event",
      api_version: "2026-08-27.basil",
      created: seconds(now),
      type: event,
      livemode: false,
      pending_webhooks: 1,
      request: { id: null, idempotency_key: null },
      data: {
        object: {
          id: "pi_sample",
          object: "payment_intent",
          amount: 2_000,
          currency: "eur",
          status: "succeeded",
          description: SAMPLE_TEXT,
        },
      },
    },
  };
}

export function shopify(event: string, { id, now }: SampleSeed): Made {
  return {
    headers: {
      "x-shopify-topic": event,
      "x-shopify-shop-domain": "sample.myshopify.com",
      "x-shopify-event-id": id,
    },
    body: {
      id: now,
      name: "#1001",
      email: "sample@example.com",
      created_at: new Date(now).toISOString(),
      total_price: "20.00",
      currency: "EUR",
      note: SAMPLE_TEXT,
    },
  };
}

export function linear(event: string, { id, now }: SampleSeed): Made {
  return {
    headers: { "linear-event": event },
    body: {
      action: "create",
      type: event,
      createdAt: new Date(now).toISOString(),
      data: { id, title: SAMPLE_TEXT, number: 1, team: { id: "sample", key: "SMP" } },
      organizationId: "sample",
      webhookId: "sample",
      webhookTimestamp: now,
    },
  };
}

export function standard(event: string, { id, now }: SampleSeed): Made {
  return {
    body: { type: event, timestamp: new Date(now).toISOString(), data: { id, text: SAMPLE_TEXT } },
  };
}

export function paddle(event: string, { id, now }: SampleSeed): Made {
  return {
    body: {
      event_id: `evt_${id}`,
      event_type: event,
      occurred_at: new Date(now).toISOString(),
      notification_id: `ntf_${id}`,
      data: { id: "txn_sample", status: "completed", currency_code: "EUR" },
    },
  };
}

export function square(event: string, { id, now }: SampleSeed): Made {
  const payment = {
    id: "sample",
    status: "COMPLETED",
    amount_money: { amount: 2_000, currency: "EUR" },
  };
  return {
    body: {
      merchant_id: "sample",
      type: event,
      event_id: id,
      created_at: new Date(now).toISOString(),
      data: { type: "payment", id: "sample", object: { payment } },
    },
  };
}

export function hubspot(event: string, { now }: SampleSeed): Made {
  return {
    body: [
      {
        eventId: now % 2 ** 31,
        subscriptionId: 1,
        portalId: 1,
        appId: 1,
        occurredAt: now,
        subscriptionType: event,
        attemptNumber: 0,
        objectId: 1,
        changeSource: "CRM",
      },
    ],
  };
}

export function adyen(event: string, { id, now }: SampleSeed): Made {
  return {
    body: {
      type: event,
      environment: "test",
      timestamp: new Date(now).toISOString(),
      data: { id, balancePlatform: "Sample", description: SAMPLE_TEXT },
    },
  };
}
