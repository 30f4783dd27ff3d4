import { expect, test } from "vitest";
import { parseTelegramHtml } from "../../../test/support/telegram-html.ts";
import { render } from "./render.ts";

test.each([
  ["plain text", "Hello there", "Hello there"],
  ["bold", "a **bold** word", "a <b>bold</b> word"],
  ["bold with underscores", "a __bold__ word", "a <b>bold</b> word"],
  ["italic", "an *italic* and _another_ word", "an <i>italic</i> and <i>another</i> word"],
  ["bold italic", "***both***", "<b><i>both</i></b>"],
  ["italic in bold", "**a *b* c**", "<b>a <i>b</i> c</b>"],
  ["strike", "~~gone~~", "<s>gone</s>"],
  ["code", "run `npm start` now", "run <code>npm start</code> now"],
  ["code with a backtick", "``a ` b``", "<code>a ` b</code>"],
  ["markup inside code", "`**not bold** <b>`", "<code>**not bold** &lt;b&gt;</code>"],
  ["a link", "[docs](https://a.b/c?d=1&e=2)", '<a href="https://a.b/c?d=1&amp;e=2">docs</a>'],
  ["a link with parentheses", "[x](https://a.b/c_(d))", '<a href="https://a.b/c_(d)">x</a>'],
  ["a bold link", "[**x**](https://a.b)", '<a href="https://a.b"><b>x</b></a>'],
  ["a heading", "## Title ##\ntext", "<b>Title</b>\ntext"],
  ["bullets", "- one\n  * two", "• one\n  • two"],
  ["a quote", "> one\n> two\nthree", "<blockquote>one\ntwo</blockquote>\nthree"],
  ["a table", "| a | b |\n|---|---|", "<pre>| a | b |\n|---|---|</pre>"],
  ["a code block", "```\n<b>\n```", "<pre><code>&lt;b&gt;</code></pre>"],
  [
    "a code block with a language",
    "```ts\nlet a = 1;\n```\nend",
    '<pre><code class="language-ts">let a = 1;</code></pre>\nend',
  ],
  ["an escaped mark", "\\*not italic\\*", "*not italic*"],
])("%s becomes HTML", (_name, markdown, html) => {
  expect(render(markdown).html).toBe(html);
});

test.each([
  ["HTML of the user's", "<b>x</b> & <script>", "&lt;b&gt;x&lt;/b&gt; &amp; &lt;script&gt;"],
  ["arithmetic", "2*3*4 and 2 * 3 * 4", "2*3*4 and 2 * 3 * 4"],
  ["snake case", "snake_case_name", "snake_case_name"],
  ["a lone mark", "**not closed", "**not closed"],
  ["an unclosed code span", "`not closed", "`not closed"],
  ["empty marks", "**** and __ and ``", "**** and __ and ``"],
  ["a script link", "[x](javascript:alert(1))", "[x](javascript:alert(1))"],
  ["an attribute in a link", '[x](https://a" onclick="b)', "[x](https://a&quot; onclick=&quot;b)"],
  ["crossing marks", "**a *b** c*", "<b>a *b</b> c*"],
  [
    "a bold that never ends before a code block",
    "**a\n```\nb**\n```",
    "**a\n<pre><code>b**</code></pre>",
  ],
])("%s stays text", (_name, markdown, html) => {
  expect(render(markdown).html).toBe(html);
});

test("a language that would break out of its attribute is cut off", () => {
  const { html } = render('```ts"><a href="x">\ncode\n```');
  expect(html).toBe('<pre><code class="language-ts">code</code></pre>');
});

test("what people see is the text without the markup", () => {
  const { html, text } = render("# A\n**b** `c` [d](https://e.f)\n```\ng & h\n```");
  expect(text).toBe("A\nb c d\ng & h");
  expect(parseTelegramHtml(html)).toMatchObject({ ok: true, text });
});
