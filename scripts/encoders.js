// Clients from npm and a responder for them; prints what was sent, by protocol, direction,
// function code and name, as JSON. Run by scripts/encoders.
const net = require('net'), dgram = require('dgram');
const os = require('os'), interfaces = os.networkInterfaces;
os.networkInterfaces = () => ({lo: interfaces().lo.map(a => ({...a, internal: false}))}); // knx would not talk over loopback
const MC = require('mcprotocol'), knx = require('knx');

console.log = () => {}; // the libraries talk
process.on('uncaughtException', () => {}); // mcprotocol stumbles over answers to 1E writes; it is its requests we want
const sent = {};
const count = key => { sent[key] = (sent[key] ?? 0) + 1; };
const wait = ms => new Promise(done => setTimeout(done, ms));

// What the responder takes from a request is only what an answer needs: whether it reads,
// and how many bytes.
function answer3E(b) {
  const command = b.readUInt16LE(11), bits = b[13] & 1, points = b.readUInt16LE(19);
  const data = command === 0x0401 ? Buffer.alloc(bits ? Math.ceil(points / 2) : 2 * points) : Buffer.alloc(0);
  const name = (command === 0x0401 ? 'Device Read' : 'Device Write') + (bits ? ' (bit)' : ' (word)');
  const code = command.toString(16).padStart(4, '0') + ':000' + bits;
  count(`slmp-melsec request ${code} ${name}`);
  count(`slmp-melsec response ${code} ${name}`);
  const head = Buffer.from([0xd0, 0, b[2], b[3], b[4], b[5], b[6], 2 + data.length, 0, 0, 0]);
  return Buffer.concat([head, data]);
}

function answer1E(b) {
  const command = b[0], points = b[10] || 256;
  const names = ['1E Batch Read (bit)', '1E Batch Read (word)', '1E Batch Write (bit)', '1E Batch Write (word)'];
  count(`slmp-melsec request 0${command} ${names[command]}`);
  count(`slmp-melsec response 0${command} ${names[command]}`);
  const data = [Math.ceil(points / 2), 2 * points, 0, 0][command];
  return Buffer.concat([Buffer.from([command | 0x80, 0]), Buffer.alloc(data)]);
}

// In ASCII, fields of several bytes stand most significant first, and 1E has the device before its number.
const swap = (b, at, n) => b.subarray(at, at + n).reverse();
function fromASCII(text, frame) {
  if (frame === '3E') { // D* and six digits, not bytes
    const b = Buffer.alloc(21);
    Buffer.from(text.slice(0, 30), 'hex').copy(b);
    swap(b, 4, 2), swap(b, 7, 2), swap(b, 9, 2), swap(b, 11, 2), swap(b, 13, 2);
    b.writeUInt16LE(parseInt(text.slice(38, 42), 16), 19);
    return b;
  }
  return Buffer.from(text, 'hex');
}
function toASCII(b, frame) {
  if (frame === '3E') { // data are words; their values are 0
    const n = 4 + 2 * (b.length - 11);
    const c = Buffer.from(b);
    swap(c, 4, 2);
    return c.subarray(0, 7).toString('hex').toUpperCase() + n.toString(16).toUpperCase().padStart(4, '0') +
      c.subarray(9).toString('hex').toUpperCase();
  }
  return b.toString('hex').toUpperCase();
}

async function slmp(frame, ascii, port) {
  const server = net.createServer(c => c.on('data', raw => {
    const b = ascii ? fromASCII(raw.toString('latin1'), frame) : raw;
    const out = frame === '3E' ? answer3E(b) : answer1E(b);
    c.write(ascii ? toASCII(out, frame) : out);
  }));
  await new Promise(done => server.listen(port, '127.0.0.1', done));
  const client = new MC();
  await new Promise(done => client.initiateConnection({port, host: '127.0.0.1', frame, ascii}, done));
  client.addItems(['D100,3', 'M100,16', 'D200']);
  await Promise.race([new Promise(done => client.readAllItems(done)), wait(3000)]);
  await Promise.race([new Promise(done => client.writeItems('D200', 5, done)), wait(1000)]);
  await wait(100);
  client.dropConnection();
  server.close();
}

async function tunnel() {
  const names = {0x0205: ['request', 'connect request'], 0x0206: ['response', 'connect response'],
    0x0207: ['request', 'connection-state request'], 0x0208: ['response', 'connection-state response'],
    0x0209: ['request', 'disconnect request'], 0x020a: ['response', 'disconnect response'],
    0x0420: ['request', 'tunnelling request'], 0x0421: ['response', 'tunnelling ack']};
  const tell = b => {
    const service = b.readUInt16BE(2);
    let [way, name] = names[service];
    if (service === 0x0420) { // connection header 4; cEMI without additional information
      const apci = (b[19] << 8 | b[20]) & 0x3c0;
      name += {0x000: ': group read', 0x040: ': group response', 0x080: ': group write'}[apci] ?? '';
    }
    count(`knxnet-ip ${way} 0${service.toString(16)} ${name}`);
  };
  const server = dgram.createSocket('udp4');
  let sequence = 0;
  server.on('message', (b, from) => {
    tell(b);
    const send = hex => { const m = Buffer.from(hex.replace(/ /g, ''), 'hex'); tell(m); server.send(m, from.port, from.address); };
    switch (b.readUInt16BE(2)) {
      case 0x0205: send('06100206001401000801 7f000001 0e57 04041101'); break;
      case 0x0207: send('0610020800080100'); break;
      case 0x0209: send('0610020a00080100'); break;
      case 0x0420: {
        send('06100421000a0401' + b.subarray(8, 9).toString('hex') + '00');
        const confirm = Buffer.from(b); // L_Data.con with our own sequence
        confirm[8] = sequence++, confirm[10] = 0x2e;
        send(confirm.toString('hex'));
      }
    }
  });
  await new Promise(done => server.bind(3671, '127.0.0.1', done));
  const c = knx.Connection({ipAddr: '127.0.0.1', ipPort: 3671, interface: 'lo', loglevel: 'error', minimumDelay: 20,
    handlers: {connected: () => {}}});
  await wait(1500);
  c.write('1/2/3', 1, 'DPT1');
  await wait(300);
  c.write('1/2/4', 21.5, 'DPT9');
  await wait(300);
  c.read('1/2/5', () => {});
  await wait(300);
  await Promise.race([new Promise(done => c.Disconnect(done)), wait(2000)]);
  await wait(200);
  server.close();
}

(async () => {
  await slmp('3E', false, 5010);
  await slmp('3E', true, 5011);
  await slmp('1E', false, 5551);
  await slmp('1E', true, 5552);
  await tunnel();
  require('fs').writeFileSync('calls.json', JSON.stringify(sent));
  process.exit(0);
})();
