'use strict';
const $ = id => document.getElementById(id);

// Compressed json in a script element of the page.
async function unpack(id) {
  const bytes = Uint8Array.from(atob($(id).textContent), c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}

// ---- the scrubber ----
let video = null, frame = 0, timer = null, chosen = null;
const pictures = new Map();

async function show(place, track = null) {
  stop();
  $('video').value = place;
  video = await unpack('video-' + place);
  pictures.clear();
  chosen = track;
  frame = 0;
  if (track !== null) {
    const found = video.runs[0].find(t => t.place === track);
    if (found) {
      frame = Math.max(0, found.paths.findIndex(path => path));
      $('score').value = Math.min($('score').value, Math.floor(found.score * 20) / 20);
    }
  }
  $('frame').max = Math.max(0, video.frames - 1);
  legends();
  lines();
  draw();
}

function picture() {
  if (!video.pictures.length) return null;
  if (!pictures.has(frame)) {
    const image = new Image();
    image.onload = draw;
    image.src = video.pictures[frame];
    pictures.set(frame, image);
  }
  const image = pictures.get(frame);
  return image.complete ? image : null;
}

const visible = run => video.runs[run].filter(
  track => track.score >= Number($('score').value) || track.place === chosen);

function draw() {
  if (!video) return;
  $('frame').value = frame;
  $('number').textContent = `frame ${frame} of ${video.frames}`;
  for (const canvas of document.querySelectorAll('canvas[data-run]')) {
    const run = Number(canvas.dataset.run);
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.width * video.height / video.width);
    const pen = canvas.getContext('2d'), scale = canvas.width / video.width;
    const image = picture();
    if (image) pen.drawImage(image, 0, 0, canvas.width, canvas.height);
    const tracks = (run < 0 ? video.objects : visible(run)).filter(track => track.paths[frame]);
    for (const track of tracks) outline(pen, track, scale);
    if ($('ids').checked) for (const track of tracks) label(pen, track, run, scale);
  }
  cursors();
}

function outline(pen, track, scale) {
  pen.save();
  pen.scale(scale, scale);
  pen.translate(.5, .5);
  const shape = new Path2D(track.paths[frame]);
  pen.globalAlpha = .4;
  pen.fillStyle = pen.strokeStyle = track.color;
  pen.fill(shape, 'evenodd');
  pen.globalAlpha = 1;
  pen.lineWidth = (track.place !== undefined && track.place === chosen ? 4 : 2) / scale;
  pen.stroke(shape);
  pen.restore();
}

function label(pen, track, run, scale) {
  const [x, y] = track.paths[frame].slice(1).split('l', 1)[0].split(' ').map(Number);
  const text = run < 0 ? `#${track.id} ${track.label}` : `#${track.place} ${track.label} ${track.score.toFixed(2)}`;
  pen.font = `${12 * devicePixelRatio}px sans-serif`;
  const wide = pen.measureText(text).width + 6, high = 16 * devicePixelRatio;
  const left = Math.max(0, Math.min(x * scale, pen.canvas.width - wide));
  const top = Math.max(0, Math.min(y * scale - high, pen.canvas.height - high));
  pen.fillStyle = 'rgba(20, 28, 38, .78)';
  pen.fillRect(left, top, wide, high);
  pen.fillStyle = '#fff';
  pen.fillText(text, left + 3, top + high * .76);
}

// Who holds each object, a line per object; a cell per frame.
function lines() {
  for (const box of document.querySelectorAll('[data-lines]')) {
    const run = Number(box.dataset.lines);
    const colors = new Map(video.runs[run].map(track => [track.place, track.color]));
    box.replaceChildren(...video.objects.map(object => {
      const row = document.createElement('div'), name = document.createElement('span');
      name.textContent = name.title = `#${object.id} ${object.label}: ${object.fates[run]}`;
      const line = document.createElement('p'), canvas = document.createElement('canvas');
      canvas.width = video.frames * 6;
      canvas.height = 14;
      const pen = canvas.getContext('2d');
      object.paths.forEach((path, t) => {
        const holder = object.held[run][t];
        if (!path) return;
        pen.fillStyle = holder === null ? '#c9ced4' : colors.get(holder) || '#1d2733';
        pen.fillRect(6 * t, 0, 6, 14);
      });
      canvas.addEventListener('click', event => {
        frame = Math.min(video.frames - 1, Math.floor(event.offsetX / canvas.clientWidth * video.frames));
        draw();
      });
      canvas.title = 'colour: the track that holds the object';
      line.append(canvas, document.createElement('i'));
      row.append(name, line);
      return row;
    }));
  }
}

function cursors() {
  for (const cursor of document.querySelectorAll('.lines i'))
    cursor.style.left = `${100 * (frame + .5) / video.frames}%`;
}

function legends() {
  for (const box of document.querySelectorAll('[data-legend]')) {
    const run = Number(box.dataset.legend);
    box.replaceChildren(...(run < 0 ? video.objects : visible(run)).map(track => {
      const row = document.createElement('div'), color = document.createElement('b');
      color.style.background = track.color;
      row.append(color, run < 0 ? `#${track.id} ${track.label}: ${track.fates.join(' | ')}`
        : `#${track.place} ${track.label} ${track.score.toFixed(3)} ${track.type || 'left out'} ${(track.cause || '').replace('_', ' ')}`);
      return row;
    }));
  }
}

function stop() {
  clearInterval(timer);
  timer = null;
  $('play').textContent = 'play';
}

function step(by) {
  frame = (frame + by + video.frames) % Math.max(1, video.frames);
  draw();
}

$('play').onclick = () => {
  if (timer) return stop();
  timer = setInterval(() => step(1), 170);
  $('play').textContent = 'stop';
};
$('frame').oninput = () => { frame = Number($('frame').value); draw(); };
$('video').onchange = () => show(Number($('video').value));
$('score').onchange = () => { legends(); draw(); };
$('ids').onchange = draw;
const count = $('video').options.length;
$('before').onclick = () => show((Number($('video').value) + count - 1) % count);
$('after').onclick = () => show((Number($('video').value) + 1) % count);
window.addEventListener('resize', draw);
document.addEventListener('keydown', event => {
  if (!video || /^(INPUT|SELECT)$/.test(event.target.tagName)) return;
  if (event.key === 'ArrowRight') step(1);
  if (event.key === 'ArrowLeft') step(-1);
});
for (const link of document.querySelectorAll('a[data-video]'))
  link.addEventListener('click', () => show(Number(link.dataset.video)));

// ---- all tracks ----
const SHOWN = 200;
let errors = [];

function list() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const names = [...$('video').options].map(option => option.textContent.replace(/ \([^(]*\)$/, ''));
  const hits = errors.filter(row => {
    const text = [row[0], row[1], row[2], names[row[6]]].join(' ').toLowerCase();
    return words.every(word => text.includes(word));
  });
  $('matches').textContent = `${hits.length} tracks and objects` + (hits.length > SHOWN ? `, the first ${SHOWN} shown` : '');
  $('rows').replaceChildren(...hits.slice(0, SHOWN).map(row => {
    const line = document.createElement('tr');
    line.className = 'click';
    const [kind, cause, label, score, object, points, place, track] = row;
    const cells = [kind, cause.replace('_', ' '), label, score === null ? '' : score.toFixed(3),
      object ?? '', points.toFixed(2), names[place], track ?? ''];
    for (const [i, text] of cells.entries()) {
      const cell = document.createElement('td');
      if (i === 0) {
        const tag = document.createElement('span');
        tag.className = 'tag ' + (kind === 'left out' ? 'Dupe' : kind);
        tag.textContent = text;
        cell.append(tag);
      } else {
        cell.textContent = text;
        if (i === 1 || i === 2 || i === 6) cell.className = 'words';
      }
      line.append(cell);
    }
    line.onclick = () => { show(place, track); $('videos').scrollIntoView(); };
    return line;
  }));
}

$('filter').oninput = list;
unpack('errors').then(rows => { errors = rows; list(); });
if (count) show(0);
