/** The look of a report: light and dark by what the reader's system says, one column on a phone. */
import type { Tone } from "./plot-model.ts";

/** Light and dark of each tone. Neighbours in a stack differ in lightness too, for readers who see fewer colours. */
const TONES: Readonly<Record<Tone, readonly [light: string, dark: string]>> = {
	blue: ["#2563c9", "#6ea8ff"],
	orange: ["#d9730d", "#ffa657"],
	green: ["#2f8f46", "#63d17c"],
	purple: ["#7b4bc4", "#bf9bff"],
	red: ["#c9302c", "#ff7b72"],
	teal: ["#0f8b8d", "#4fd1d3"],
	grey: ["#8a919c", "#8b949e"],
	gold: ["#b58900", "#e3c04f"],
};

const variables = (index: 0 | 1): string =>
	Object.entries(TONES)
		.map(([tone, colours]) => `--${tone}:${colours[index]}`)
		.join(";");

const tones = Object.keys(TONES)
	.map((tone) => `.${tone}{--tone:var(--${tone})}`)
	.join("");

export const STYLE = `
:root{color-scheme:light dark;--ground:#f6f7f9;--card:#fff;--ink:#1b1f24;--dim:#5b6470;--edge:#dfe3e8;--grid:#e9ecf0;--good:#2f8f46;--shade:.13;${variables(0)}}
@media(prefers-color-scheme:dark){:root{--ground:#0f1318;--card:#171c23;--ink:#e6e9ed;--dim:#98a2ae;--edge:#2a313a;--grid:#242b34;--good:#63d17c;--shade:.2;${variables(1)}}}
${tones}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:20px 16px 48px}
h1{font-size:15px;font-weight:600;margin:0;color:var(--dim)}
h1 b{color:var(--ink);font-size:19px;margin-right:8px}
h2{font-size:16px;margin:0}
h2.part{margin:28px 0 10px}
p{margin:4px 0 0}
.dim,header p,.card p,td.about,dt{color:var(--dim)}
.card{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:14px 16px;min-width:0}
.grid2{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:14px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:14px;margin-top:14px}
.tile b{display:block;font-size:24px;line-height:1.2;font-weight:650;font-variant-numeric:tabular-nums;letter-spacing:-.01em;white-space:nowrap}
.tile.main{grid-column:span 2}
.tile.main b{font-size:40px}
.tile b small{font-size:.48em;font-weight:500;color:var(--dim);letter-spacing:0}
.tile span{color:var(--dim);font-size:13px}
.bar{height:6px;border-radius:3px;background:var(--grid);margin-top:8px;overflow:hidden}
.bar i{display:block;height:100%;background:var(--tone)}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:6px 0 2px;font-size:13px;color:var(--dim)}
.legend i{display:inline-block;width:12px;height:3px;border-radius:2px;background:var(--tone);margin-right:6px;vertical-align:middle}
.legend i.block{height:10px}
.legend i.dashed{background:repeating-linear-gradient(90deg,var(--tone) 0 4px,transparent 4px 6px)}
.card p{font-size:13px}
svg{display:block;width:100%;height:auto;overflow:visible}
svg.narrow,.narrow{display:none}
svg text{font-size:11px;fill:var(--dim);font-variant-numeric:tabular-nums}
svg .end{text-anchor:end}svg .middle{text-anchor:middle}
.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--dim);fill:none;opacity:.6}
.line{fill:none;stroke:var(--tone);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.line.dashed{stroke-width:1.5;stroke-dasharray:1 4}
.ground{fill:var(--tone);opacity:var(--shade)}
rect.block{fill:var(--tone)}.stack{fill:var(--tone);opacity:.82;stroke:var(--card);stroke-width:.6}
.dot{fill:var(--tone);stroke:var(--card)}
.limit{stroke:var(--red);stroke-dasharray:6 4;fill:none}.limit-text,.mark text{font-weight:600}svg .limit-text{fill:var(--red)}
.mark path{stroke:var(--ink);stroke-dasharray:2 3;opacity:.55;fill:none}svg .mark text{fill:var(--ink)}
.hover rect{fill:transparent}.hover>g{visibility:hidden;pointer-events:none}.hover:hover>g{visibility:visible}
.hover path{stroke:var(--ink);opacity:.35}
ol.marks{margin:8px 0 0;padding-left:22px;font-size:13px;color:var(--dim);columns:2 260px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
th{text-align:left;font-weight:600;color:var(--dim);font-size:12.5px}
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--grid);vertical-align:top}
tr:last-child td{border-bottom:0}
td.value{text-align:right;white-space:nowrap;font-weight:600;font-variant-numeric:tabular-nums}
th.value{text-align:right}
td.name{white-space:nowrap}
ul.checks{list-style:none;margin:0;padding:0}
ul.checks li{padding:3px 0 3px 24px;position:relative}
ul.checks li:before{content:"✓";position:absolute;left:2px;color:var(--good);font-weight:700}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:4px 16px;margin:0;font-size:14px}
dd{margin:0;overflow-wrap:anywhere}
pre{margin:0;padding:10px 12px;background:var(--ground);border:1px solid var(--edge);border-radius:8px;overflow-x:auto;font-size:13px}
.hbars{display:grid;grid-template-columns:max-content minmax(0,1fr) max-content;gap:7px 12px;align-items:center;margin-top:10px;font-size:13px}
.hbars .track{height:14px;background:var(--grid);border-radius:3px;overflow:hidden}
.hbars .track i{display:block;height:100%;background:var(--tone)}
.hbars b{font-variant-numeric:tabular-nums;font-weight:600}
@media(max-width:820px){.grid2{grid-template-columns:minmax(0,1fr)}}
@media(max-width:520px){main{padding:14px 10px 32px}.card{padding:12px}.wide{display:none}svg.narrow,.narrow{display:block}.tiles{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}.tile.main b{font-size:36px}td.about{min-width:180px}}
@media print{body{background:#fff}.card{break-inside:avoid}}
`;
