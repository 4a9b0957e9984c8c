// The ends of the conversations of scripts/peers/run.py: node peers.js PROTOCOL server|client.
// Each side is a stack from npm that others wrote; where only a client is to be had, its server
// here answers as little as the client needs to go on. Clients print each call and what came of it.
const net = require('net');
const dgram = require('dgram');
const [SERVER, CLIENT] = ['10.77.0.1', '10.77.0.2'];
const wait = ms => new Promise(r => setTimeout(r, ms));

// calls makes calls one after the other; one that fails is printed, not fatal.
async function calls(object, list, pause = 0) {
  for (const [name, ...args] of list) {
    try {
      const got = await object[name](...args);
      console.log(name, got === false ? 'refused' : 'ok');
    } catch (e) { console.log(name, String(e.message).slice(0, 80)); }
    await wait(pause);
  }
}

// back calls a function that takes a callback at its end; no answer within a while is an answer too.
const back = (object, name, ...args) => new Promise(r => {
  try { object[name](...args, e => { console.log(name, e ? e.message : 'ok'); r(); }); } catch (e) { console.log(name, e.message); r(); }
  setTimeout(r, 600);
});

const peers = {
  s7: {
    server() {
      const s7 = require('node-snap7'), s = new s7.S7Server();
      s.RegisterArea(s.srvAreaDB, 1, Buffer.alloc(4096));
      s.RegisterArea(s.srvAreaDB, 2, Buffer.alloc(65000));
      for (const [area, n] of [[s.srvAreaMK, 512], [s.srvAreaPE, 128], [s.srvAreaPA, 128], [s.srvAreaTM, 512], [s.srvAreaCT, 512]]) s.RegisterArea(area, Buffer.alloc(n));
      s.StartTo(SERVER);
      setInterval(() => {}, 1000);
    },
    async client() {
      const s7 = require('node-snap7'), c = new s7.S7Client();
      const item = (Area, DBNumber, Amount) => ({ Area, WordLen: c.S7WLByte, DBNumber, Start: 0, Amount, Data: Buffer.alloc(Amount) });
      const many = [item(c.S7AreaDB, 1, 8), item(c.S7AreaMK, 0, 8), item(c.S7AreaDB, 99, 8)];
      c.SetConnectionType(c.CONNTYPE_PG);
      await calls(c, [['ConnectTo', SERVER, 0, 2], ['DBRead', 1, 0, 16], ['DBRead', 1, 0, 1000], ['DBRead', 2, 0, 20000],
        ['DBWrite', 1, 0, 8, Buffer.alloc(8)], ['DBWrite', 2, 0, 3000, Buffer.alloc(3000)], ['MBRead', 0, 16], ['MBWrite', 0, 4, Buffer.alloc(4)],
        ['EBRead', 0, 16], ['ABRead', 0, 16], ['ABWrite', 0, 4, Buffer.alloc(4)], ['TMRead', 0, 4], ['CTRead', 0, 4], ['TMWrite', 0, 1, Buffer.alloc(2)],
        ['CTWrite', 0, 1, Buffer.alloc(2)], ['ReadArea', c.S7AreaDB, 1, 3, 1, c.S7WLBit], ['WriteArea', c.S7AreaDB, 1, 3, 1, c.S7WLBit, Buffer.from([1])],
        ['ReadMultiVars', many], ['WriteMultiVars', many], ['ListBlocks'], ['ListBlocksOfType', c.Block_DB, 100], ['GetAgBlockInfo', c.Block_DB, 1],
        ['Upload', c.Block_DB, 1, 1000], ['FullUpload', c.Block_DB, 1, 1000], ['Delete', c.Block_DB, 1], ['DBGet', 1], ['DBFill', 1, 0x55],
        ['GetPlcDateTime'], ['SetPlcDateTime', new Date()], ['SetPlcSystemDateTime'], ['GetOrderCode'], ['GetCpuInfo'], ['GetCpInfo'], ['ReadSZL', 0x1c, 0],
        ['ReadSZL', 0x424, 0], ['ReadSZLList'], ['PlcStatus'], ['PlcStop'], ['PlcHotStart'], ['PlcColdStart'], ['CopyRamToRom', 1000], ['Compress', 1000],
        ['SetSessionPassword', 'plant'], ['GetProtection'], ['ClearSessionPassword'], ['DBRead', 77, 0, 4], ['Disconnect']]);
      c.SetConnectionType(c.CONNTYPE_OP);
      await calls(c, [['ConnectTo', SERVER, 0, 1], ...Array.from({ length: 50 }, (_, i) => ['DBRead', 1, i, 4]), ['Disconnect']]);
    },
  },
  opcua: {
    async server() {
      const ua = require('node-opcua'), s = new ua.OPCUAServer({ port: 4840, hostname: SERVER, allowAnonymous: true, serverInfo: { applicationName: { text: 'Press' } } });
      await s.initialize();
      const space = s.engine.addressSpace, own = space.getOwnNamespace(), press = own.addObject({ organizedBy: space.rootFolder.objects, browseName: 'Press', nodeId: 's=Press' });
      let v = 1;
      own.addVariable({ componentOf: press, nodeId: 's=Temp', browseName: 'Temp', dataType: 'Double', minimumSamplingInterval: 100,
        value: { get: () => new ua.Variant({ dataType: 'Double', value: v += 0.1 }), set: x => { v = x.value; return ua.StatusCodes.Good; } } });
      own.addVariable({ componentOf: press, nodeId: 's=Big', browseName: 'Big', dataType: 'ByteString',
        value: { get: () => new ua.Variant({ dataType: 'ByteString', value: Buffer.alloc(200000, 7) }) } });
      own.addMethod(press, { browseName: 'Start', nodeId: 's=Start' }).bindMethod((i, c, done) => done(null, { statusCode: ua.StatusCodes.Good }));
      await s.start();
    },
    async client() {
      const ua = require('node-opcua'), M = ua.MessageSecurityMode, P = ua.SecurityPolicy;
      // Not encrypted: tshark 4.0 reads the first bytes of encrypted bodies as services.
      for (const [securityMode, securityPolicy] of [[M.None, P.None], [M.Sign, P.Basic256Sha256]]) {
        const c = ua.OPCUAClient.create({ endpointMustExist: false, securityMode, securityPolicy, connectionStrategy: { maxRetry: 1 } });
        await calls(c, [['connect', 'opc.tcp://' + SERVER + ':4840'], ['getEndpoints'], ['findServers']]);
        const s = await c.createSession(), temp = 'ns=1;s=Temp';
        await calls(s, [['browse', 'RootFolder'], ['browse', 'ObjectsFolder'], ['read', { nodeId: temp, attributeId: 13 }], ['read', { nodeId: 'ns=1;s=Big', attributeId: 13 }],
          ['write', { nodeId: temp, attributeId: 13, value: { value: { dataType: 'Double', value: 5 } } }], ['call', { objectId: 'ns=1;s=Press', methodId: 'ns=1;s=Start' }],
          ['translateBrowsePath', ua.makeBrowsePath('RootFolder', '/Objects/Server')], ['registerNodes', [temp]], ['readHistoryValue', temp, new Date(0), new Date()]]);
        const sub = await s.createSubscription2({ requestedPublishingInterval: 100, requestedLifetimeCount: 100, requestedMaxKeepAliveCount: 10, publishingEnabled: true });
        await sub.monitor({ nodeId: temp, attributeId: 13 }, { samplingInterval: 100, discardOldest: true, queueSize: 10 }, ua.TimestampsToReturn.Both);
        await wait(1500);
        await calls(sub, [['setPublishingMode', false], ['terminate']]);
        await calls(s, [['close']]);
        await calls(c, [['disconnect']]);
      }
    },
  },
  mqtt: { // the server is mosquitto
    async client() {
      const mqtt = require('mqtt'), at = 'mqtt://' + SERVER;
      for (const v of [3, 4, 5]) {
        const c = await mqtt.connectAsync(at, { protocolVersion: v, protocolId: v === 3 ? 'MQIsdp' : 'MQTT', clientId: 'c' + v, keepalive: 1, username: 'u', password: 'p',
          will: { topic: 'w', payload: 'bye', qos: 1, retain: true }, ...(v === 5 && { properties: { sessionExpiryInterval: 100, receiveMaximum: 10, topicAliasMaximum: 5 } }) });
        await c.subscribeAsync({ 'a/#': { qos: 2 }, 'b/+': { qos: 1 } });
        for (let qos = 0; qos < 3; qos++) for (const n of [1, 100, 1500, 70000]) await c.publishAsync('a/x' + qos, Buffer.alloc(n, 65), { qos, retain: n === 100 });
        for (let i = 0; i < 200; i++) c.publish('b/y', 'v' + i, { qos: i % 3 });
        await wait(2500);
        await calls(c, [['unsubscribeAsync', 'b/+'], ['endAsync']]);
      }
    },
  },
  modbus: { // the server of the first part is pymodbus (modbus.py), this one's is on another port
    server() {
      const M = require('modbus-serial'), h = new Array(70000).fill(3);
      new M.ServerTCP({ getInputRegister: a => h[a], getHoldingRegister: a => h[a], getCoil: () => true, getDiscreteInput: () => false, setRegister: (a, v) => { h[a] = v; },
        setCoil: () => {}, readDeviceIdentification: () => ({ 0: 'Vendor', 1: 'Code', 2: '1.2', 5: 'Model' }) }, { host: SERVER, port: 10502, unitID: 1 });
    },
    async client() {
      const M = require('modbus-serial'), c = new M();
      await c.connectTCP(SERVER, { port: 10502 });
      c.setID(1);
      c.setTimeout(400);
      await calls(c, [['readCoils', 0, 8], ['readHoldingRegisters', 0, 10], ['readInputRegisters', 0, 10], ['readDiscreteInputs', 0, 10], ['writeCoil', 1, true], ['writeRegister', 1, 2],
        ['writeRegisters', 1, [1, 2]], ['writeCoils', 1, [true, false]], ['readDeviceIdentification', 1, 0]]);
      c.close(() => {});
      const reads = Array.from({ length: 60 }, (_, i) => Buffer.from([0, i, 0, 0, 0, 6, 1, 3, 0, i, 0, 2]));
      const s = net.connect(10502, SERVER);
      s.setNoDelay(true);
      s.on('data', () => {});
      await new Promise(r => s.on('connect', r));
      s.write(Buffer.concat(reads)); // sixty requests in a segment
      await wait(500);
      for (const b of Buffer.concat(reads.slice(0, 3))) { s.write(Buffer.from([b])); await wait(5); } // and a byte a segment
      await wait(500);
    },
  },
  bacnet: {
    server() {
      const B = require('node-bacnet'), c = new B({ port: 47808, interface: SERVER, broadcastAddress: '10.77.0.255' }), to = d => d.header.sender;
      c.on('whoIs', d => c.iAmResponse(to(d), 1234, B.enum.Segmentation.SEGMENTED_BOTH, 999));
      c.on('readProperty', d => c.readPropertyResponse(to(d).address, d.invokeId, d.payload.objectId, d.payload.property, [{ type: 7, value: 'Chiller-1' }]));
      c.on('writeProperty', d => c.simpleAckResponse(to(d).address, d.service, d.invokeId));
      c.on('readPropertyMultiple', d => c.readPropertyMultipleResponse(to(d).address, d.invokeId,
        [{ objectId: { type: 8, instance: 1234 }, values: [{ property: { id: 77, index: 4294967295 }, value: [{ type: 7, value: 'x' }] }] }]));
      c.on('error', () => {});
      process.on('uncaughtException', e => console.log(e.message));
    },
    async client() {
      const B = require('node-bacnet'), c = new B({ port: 47809, interface: CLIENT, broadcastAddress: '10.77.0.255', apduTimeout: 400 });
      c.on('error', () => {});
      process.on('uncaughtException', e => console.log(e.message));
      const a = { address: SERVER }, o = { type: 0, instance: 1 }, d = { type: 8, instance: 1234 }, all = 4294967295, one = [{ type: 4, value: 1.5 }];
      c.whoIs();
      c.whoIs(a);
      await wait(300);
      for (const call of [['readProperty', a, d, 77], ['readProperty', a, o, 85], ['writeProperty', a, o, 85, one, { priority: 8 }], ['readPropertyMultiple', a, [{ objectId: d, properties: [{ id: 8 }] }]],
        ['writePropertyMultiple', a, [{ objectId: o, values: [{ property: { id: 85, index: all }, value: one, priority: 8 }] }]], ['deviceCommunicationControl', a, 60, 1, { password: 'x' }],
        ['reinitializeDevice', a, 1, { password: 'x' }], ['readFile', a, { type: 10, instance: 1 }, 0, 100], ['writeFile', a, { type: 10, instance: 1 }, 0, [[1, 2, 3]]],
        ['readRange', a, { type: 20, instance: 1 }, 0, 10, {}], ['subscribeCov', a, o, 7, false, false, 60, {}], ['subscribeProperty', a, o, { id: 85, index: all }, 8, false, false, {}],
        ['createObject', a, o, []], ['deleteObject', a, o, {}], ['addListElement', a, o, { id: 85, index: 0 }, one, {}], ['removeListElement', a, o, { id: 85, index: 0 }, one, {}],
        ['getAlarmSummary', a], ['getEventInformation', a, {}], ['getEnrollmentSummary', a, 0, {}], ['confirmedPrivateTransfer', a, 1, 2, [1, 2], {}],
        ['confirmedCOVNotification', a, o, 1, 1234, 60, [{ property: { id: 85 }, value: one }], {}]]) await back(c, ...call);
      await calls(c, [['timeSync', a, new Date()], ['timeSyncUTC', a, new Date()], ['unconfirmedPrivateTransfer', a, 1, 2, [1]], ['iAmResponse', a, 5, 0, 7]]);
      await wait(300);
    },
  },
  fins: { // UDP and TCP; the server answers zeros
    server() {
      const answer = m => { // the addresses change places, the end code is 0000
        const h = Buffer.from(m.subarray(0, 12));
        h[0] = 0xc0;
        m.copy(h, 3, 6, 9);
        m.copy(h, 6, 3, 6);
        return Buffer.concat([h, Buffer.alloc(2 + 20)]);
      };
      const envelope = (command, body) => { const h = Buffer.from('46494e53000000000000000000000000', 'hex'); h.writeUInt32BE(8 + body.length, 4); h.writeUInt32BE(command, 8); return Buffer.concat([h, body]); };
      const u = dgram.createSocket('udp4');
      u.on('message', (m, from) => u.send(answer(m), from.port, from.address));
      u.bind(9600, SERVER);
      net.createServer(s => {
        let b = Buffer.alloc(0);
        s.on('error', () => {});
        s.on('data', d => {
          for (b = Buffer.concat([b, d]); b.length >= 8 && b.length >= 8 + b.readUInt32BE(4); b = b.subarray(8 + b.readUInt32BE(4)))
            s.write(b.readUInt32BE(8) === 0 ? envelope(1, Buffer.from([0, 0, 0, 2, 0, 0, 0, 1])) : envelope(2, answer(b.subarray(16, 8 + b.readUInt32BE(4)))));
        });
      }).listen(9600, SERVER);
    },
    async client() {
      const F = require('omron-fins');
      for (const protocol of ['udp', 'tcp']) {
        const c = F.FinsClient(9600, SERVER, { protocol }, { SA1: 2, DA1: 1 });
        c.on('error', () => {});
        c.on('timeout', () => {});
        c.connect();
        await wait(500);
        await calls(c, [['read', 'D100', 10], ['write', 'D100', [1, 2]], ['readMultiple', 'D1', 'D2'], ['fill', 'D100', 7, 10], ['run'], ['stop'], ['status'], ['cpuUnitDataRead'], ['clockRead'],
          ['clockWrite', { year: 26, month: 1, day: 2, hour: 3, minute: 4, second: 5 }], ['transfer', 'D1', 'D100', 5], ['read', 'CB1:5', 3], ['write', 'W1.05', true]], 100);
      }
    },
  },
  ads: { // the server answers as little as the client needs
    server() {
      net.createServer(s => {
        let b = Buffer.alloc(0);
        s.on('error', () => {});
        s.on('data', d => {
          for (b = Buffer.concat([b, d]); b.length >= 6 && b.length >= 6 + b.readUInt32LE(2); b = b.subarray(6 + b.readUInt32LE(2))) {
            const a = b.subarray(6), command = a.readUInt16LE(16), h = Buffer.from(a.subarray(0, 32));
            a.copy(h, 0, 8, 16);
            a.copy(h, 8, 0, 8);
            h.writeUInt16LE(a.readUInt16LE(18) | 1, 18);
            let body = Buffer.alloc({ 1: 24, 4: 8, 6: 8 }[command] ?? 4);
            if (command === 2 || command === 9) { const n = Math.min(a.readUInt32LE(40), 5000); body = Buffer.alloc(8 + n); body.writeUInt32LE(n, 4); }
            if (command === 1) body.write('Plc30 App', 8);
            if (command === 4) body.writeUInt16LE(5, 4);
            h.writeUInt32LE(body.length, 20);
            const t = Buffer.alloc(6);
            t.writeUInt32LE(32 + body.length, 2);
            s.write(Buffer.concat([t, h, body]));
          }
        });
      }).listen(48898, SERVER);
    },
    async client() {
      const { Client } = require('ads-client');
      const c = new Client({ targetAmsNetId: SERVER + '.1.1', targetAdsPort: 851, routerAddress: SERVER, routerTcpPort: 48898, localAmsNetId: CLIENT + '.1.1', localAdsPort: 32750, rawClient: true, timeoutDelay: 1000 });
      await calls(c, [['connect'], ['readRaw', 0x4020, 0, 100], ['readRaw', 0xf005, 1, 9000], ['writeRaw', 0x4020, 0, Buffer.alloc(20)], ['readWriteRaw', 0xf003, 0, 4, Buffer.from('MAIN.x\0')],
        ['readDeviceInfo'], ['readState'], ['readPlcRuntimeState'], ['readTcSystemState'], ['readPlcUploadInfo'], ['writeControl', { adsState: 'Run' }], ['startPlc'], ['stopPlc'], ['resetPlc'],
        ['subscribeRaw', 0x4020, 0, 4, () => {}, 100], ['createVariableHandle', 'MAIN.a'], ['readRawMulti', [{ indexGroup: 1, indexOffset: 2, size: 4 }, { indexGroup: 1, indexOffset: 3, size: 4 }]],
        ['unsubscribeAll'], ['disconnect']]);
    },
  },
  knx: { // the server is knxd
    async client() {
      const knx = require('knx');
      await new Promise(done => {
        const c = new knx.Connection({ ipAddr: SERVER, ipPort: 3671, physAddr: '1.1.9', loglevel: 'error', handlers: { connected: async () => {
          for (let i = 0; i < 5; i++) { c.write('1/1/' + i, i % 2, 'DPT1'); await wait(100); c.read('1/1/' + i); await wait(100); c.write('1/2/' + i, 21.5, 'DPT9'); await wait(100); }
          c.Disconnect(() => {});
          await wait(500);
          done();
        } } });
        setTimeout(done, 8000);
      });
    },
  },
};

const [protocol, side] = process.argv.slice(2);
process.on('unhandledRejection', e => console.log('unhandled:', e.message));
Promise.resolve(peers[protocol][side]()).then(() => { if (side === 'client') process.exit(0); }, e => { console.log(e); process.exit(1); });
