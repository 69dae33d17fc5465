// Runs a firmware on rp2040js: its UART0 is a TCP connection, or with `-line usb` its serial port over USB; a second
// connection takes a few commands of QEMU's machine protocol, so that tests can cut its power.
//
//   node emulator.mjs -serial tcp:HOST:PORT -kernel ELF [-line usb] [-device loader,file=FILE,addr=N]… [-qmp tcp:HOST:PORT]
//
// But for `-line` these are QEMU's arguments, so that whoever boots a board need not know which emulator it has.
//
// What rp2040js 1.4.1 lacks is here: the boot ROM, as far as a firmware needs it (the second stage's checksum, its copy
// in RAM, functions that erase and program flash, which take their time), flash that nobody can read meanwhile, a UART
// that takes its time and interrupts when it has room again, a USB host that waits for bytes before it sends a packet, and
// doesn't take one which is odd where an even one is due, events that a program sets itself, resets that leave RAM and flash
// as they are, and a fault where code is run from nowhere.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';

const FLASH = 0x10000000;
const RAM = 0x20000000;
/** Where the boot ROM copies the second stage to. */
const SECOND_STAGE = 0x20041f00;
const BYTE_NANOS = (10 * 1e9) / 115200;
const FIFO = 32;
/** The UART's register for DMA, and its interrupt where it has room again. */
const UART_DMA = 0x48;
const UART_SENDS = 1 << 5;
/** Instructions between two looks at the sockets. */
const TURN = 20000;
/** What flash takes for 256 bytes of an erased sector, and for 16 programmed bytes. */
const ERASE_NANOS = 45e6 / 16;
const PROGRAM_NANOS = 25e3;
const HARD_FAULT = 3;
/** Where the USB controller keeps the mailboxes' controls, and bits of them. */
const MAILBOXES = 0x80;
const MAILBOX_AVAILABLE = 1 << 10;
const MAILBOX_ODD = 1 << 13;
const PACKET = 64;

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

const options = { device: [] };
for (let i = 2; i < process.argv.length; i += 2) {
  const [name, value] = [process.argv[i].replace(/^-/, ''), process.argv[i + 1]];
  if (name === 'device') {
    options.device.push(value);
  } else if (['serial', 'kernel', 'qmp', 'line'].includes(name) && value !== undefined) {
    options[name] = value;
  } else {
    fail(`this emulator doesn't know ${process.argv[i]} ${value ?? ''}`);
  }
}

const overUsb = options.line === 'usb';
if (options.line !== undefined && !overUsb) {
  fail(`-line is ${options.line}; there is usb`);
}

let RP2040, USBCDC;
try {
  const packages = process.env.POCKETREC_PACKAGES ?? join(import.meta.dirname ?? '.', 'node_modules');
  ({ RP2040, USBCDC } = createRequire(join(packages, 'package.json'))('rp2040js'));
} catch (error) {
  fail(`rp2040js is not installed (${error.code}): \`cargo xtask setup\` says how to get it`);
}

/** The parts of an ELF file that are loaded to flash. */
function load(flash, path) {
  const file = readFileSync(path);
  const first = file.readUInt32LE(28);
  for (let i = 0; i < file.readUInt16LE(44); i++) {
    const at = first + i * file.readUInt16LE(42);
    const [kind, offset, , address, length] = [0, 4, 8, 12, 16].map((field) => file.readUInt32LE(at + field));
    if (kind === 1 && length > 0) {
      if (address < FLASH || address + length > FLASH + flash.length) {
        fail(`${path} loads ${length} bytes to 0x${address.toString(16)}, which is not flash`);
      }
      flash.set(file.subarray(offset, offset + length), address - FLASH);
    }
  }
}

/** The checksum that the boot ROM wants of the second stage: CRC-32 from the highest bit on, nothing inverted. */
function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) {
      crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    }
  }
  return crc >>> 0;
}

const ROM_FUNCTIONS = ['IF', 'EX', 'RE', 'RP', 'FC', 'CX'];
const ROM_TABLE = 0x100;
const ROM_CODE = 0x200;

/** A boot ROM whose functions each stop at a breakpoint of their number, and return. */
function bootRom() {
  const rom = new DataView(new ArrayBuffer(0x4000));
  rom.setUint32(0, SECOND_STAGE, true);
  rom.setUint32(4, ROM_CODE | 1, true);
  rom.setUint32(0x10, 0x0101754d, true);
  rom.setUint16(0x14, ROM_TABLE, true);
  ROM_FUNCTIONS.forEach((name, number) => {
    const code = ROM_CODE + 4 * number;
    rom.setUint16(code, 0xbe00 | number, true);
    rom.setUint16(code + 2, 0x4770, true);
    rom.setUint16(ROM_TABLE + 4 * number, name.charCodeAt(0) | (name.charCodeAt(1) << 8), true);
    rom.setUint16(ROM_TABLE + 4 * number + 2, code | 1, true);
  });
  return new Uint32Array(rom.buffer);
}

/** A host on the USB port, which opens its serial line. */
class UsbHost {
  constructor(usb) {
    this.usb = usb;
    this.cdc = new USBCDC(usb);
    this.connected = false;
    /** Bytes that the device has room for. */
    this.room = 0;
    this.cdc.onDeviceConnected = () => {
      this.connected = true;
    };
    this.cdc.onSerialData = (bytes) => line.write(bytes);
    usb.onEndpointRead = (endpoint, size) => {
      if (endpoint === this.cdc.outEndpoint) {
        this.room = size;
      }
    };
    // The first packet of a request's answer is odd, that of an endpoint even; those of the first endpoint from the host
    // here are all the first.
    const odd = new Map();
    const ask = usb.sendSetupPacket.bind(usb);
    usb.sendSetupPacket = (packet) => {
      odd.set(0, true).set(1, true);
      ask(packet);
    };
    const give = usb.DPRAMUpdated.bind(usb);
    usb.DPRAMUpdated = (offset, value) => {
      const mailbox = (offset - MAILBOXES) / 4;
      if (mailbox >= 0 && mailbox < 32 && value & MAILBOX_AVAILABLE) {
        const due = odd.get(mailbox) ?? false;
        if (due !== ((value & MAILBOX_ODD) !== 0)) {
          fail(`packet of mailbox ${mailbox} should be ${due ? 'odd' : 'even'}: a host would drop it`);
        }
        odd.set(mailbox, mailbox === 1 || !due);
      }
      give(offset, value);
    };
  }

  /** Sends what has come, where the device has room for it. */
  send() {
    if (this.connected && this.room > 0 && received.length > 0) {
      const packet = received.splice(0, Math.min(this.room, PACKET));
      this.room = 0;
      this.usb.endpointReadDone(this.cdc.outEndpoint, Uint8Array.from(packet));
    }
  }
}

/** The chip, from power-up or a reset on. */
class Machine {
  constructor(flash, ram) {
    this.mcu = new RP2040();
    const { mcu } = this;
    const silent = () => {};
    // What rp2040js says of an instruction that sets the event flag is all that it does about it.
    const info = (_, text) => {
      if (text === 'SEV') {
        mcu.core.eventRegistered = true;
      }
    };
    mcu.logger = { debug: silent, info, warn: silent, error: silent };
    mcu.bootrom.set(bootRom());
    mcu.flash.set(flash);
    mcu.sram.set(ram);
    this.clock = mcu.clock;
    this.resetAsked = false;
    /** Whether flash can be read. */
    this.reads = true;
    /** Bytes of a call of the ROM that are still to be done. */
    this.work = null;
    this.pause = false;
    this.nextByte = 0;
    this.sentUntil = 0;
    /** Whether more bytes wait to be sent than the UART interrupts at. */
    this.manyWait = false;

    const { ppb, core } = mcu;
    const write = ppb.writeUint32.bind(ppb);
    ppb.writeUint32 = (offset, value) => {
      if (offset === 0xd0c) {
        this.resetAsked ||= (value & 4) !== 0;
      } else {
        write(offset, value);
      }
    };
    mcu.peripherals[0x40058].onWatchdogTrigger = () => {
      this.resetAsked = true;
    };
    const ssi = mcu.peripherals[0x18000];
    const setUp = ssi.writeUint32.bind(ssi);
    ssi.writeUint32 = (offset, value) => {
      setUp(offset, value);
      if (offset === 8 && value & 1) {
        this.readFlash(true);
      }
    };
    mcu.onBreak = (number) => this.rom(number);

    this.usb = overUsb ? new UsbHost(mcu.usbCtrl) : null;
    const uart = mcu.uart[0];
    Object.defineProperty(uart, 'flags', {
      get: () =>
        (uart.rxFIFO.full ? 0x40 : 0) |
        (uart.rxFIFO.empty ? 0x10 : 0) |
        (this.waiting() > FIFO ? 0x20 : 0),
    });
    // As it is sent, and not whenever it is looked at.
    uart.checkInterrupts = () => mcu.setInterrupt(uart.irq, (uart.interruptStatus & uart.interruptMask) !== 0);
    const read = uart.readUint32.bind(uart);
    // No DMA has been asked for.
    uart.readUint32 = (offset) => (offset === UART_DMA ? 0 : read(offset));
    uart.onByte = (byte) => {
      this.sentUntil = Math.max(this.sentUntil, this.clock.nanos) + BYTE_NANOS;
      this.manyWait ||= this.waiting() > FIFO / 2;
      line.write(Uint8Array.of(byte));
    };

    // As the boot ROM does: the second stage is run from RAM, if its checksum is right.
    const second = mcu.flash.subarray(0, 256);
    if (checksum(second.subarray(0, 252)) !== Buffer.from(second).readUInt32LE(252)) {
      fail('the first 256 bytes of flash are no second stage of the boot loader: the board would wait as a USB drive');
    }
    mcu.sram.set(second, SECOND_STAGE - RAM);
    core.SP = SECOND_STAGE;
    core.LR = 0;
    core.PC = SECOND_STAGE;
  }

  /** Bytes that the UART still has to send. */
  waiting() {
    return (this.sentUntil - this.clock.nanos) / BYTE_NANOS;
  }

  readFlash(reads) {
    if (reads === this.reads) {
      return;
    }
    this.reads = reads;
    const { mcu } = this;
    for (const name of ['readUint8', 'readUint16', 'readUint32']) {
      delete mcu[name];
      if (!reads) {
        const read = mcu[name].bind(mcu);
        mcu[name] = (address) => {
          if (address >>> 24 === FLASH >>> 24) {
            fail(`0x${(address >>> 0).toString(16)} was read while flash was being written, by 0x${(mcu.core.PC >>> 0).toString(16)}`);
          }
          return read(address);
        };
      }
    }
  }

  /** A function of the ROM; those that take time do some of it, and are called again. */
  rom(number) {
    const { mcu } = this;
    const { core } = mcu;
    const [offset, second, third] = core.registers;
    const name = ROM_FUNCTIONS[number];
    if (core.PC >>> 12 !== 0 || !name) {
      fail(`a breakpoint at 0x${(core.PC >>> 0).toString(16)}`);
    }
    if (name === 'EX') {
      this.readFlash(false);
    } else if (name === 'CX') {
      this.readFlash(true);
    } else if (name === 'RE' || name === 'RP') {
      const [length, unit, step] = name === 'RE' ? [second, 4096, 256] : [third, 256, 16];
      if (this.reads || !core.PM || offset % unit || length % unit || offset + length > mcu.flash.length) {
        fail(`the ROM's ${name} was called for ${length} bytes from ${offset} on, with flash being read or interrupts on`);
      }
      this.work ??= 0;
      for (let i = this.work; i < this.work + step; i++) {
        mcu.flash[offset + i] = name === 'RE' ? 0xff : mcu.flash[offset + i] & mcu.readUint8(second + i);
      }
      this.work += step;
      this.clock.tick(name === 'RE' ? ERASE_NANOS : PROGRAM_NANOS);
      if (this.work < length) {
        core.PC -= 2;
      } else {
        this.work = null;
      }
      // Whoever wants to cut the power may.
      this.pause = true;
    }
  }

  /** Runs for a while; whether the chip sleeps. */
  run() {
    const { mcu, clock } = this;
    const { core } = mcu;
    const uart = mcu.uart[0];
    const { registers } = core;
    const nanos = 1e9 / mcu.clkSys;
    this.pause = false;
    for (let i = 0; i < TURN && !this.pause && !this.resetAsked; i++) {
      this.usb?.send();
      if (!this.usb && received.length > 0 && clock.nanos >= this.nextByte && !uart.rxFIFO.full && uart.enabled) {
        this.nextByte = clock.nanos + BYTE_NANOS;
        uart.feedByte(received.shift());
      }
      if (this.manyWait && this.waiting() <= FIFO / 2) {
        this.manyWait = false;
        uart.interruptStatus |= UART_SENDS;
        uart.checkInterrupts();
      }
      if (core.waiting) {
        if (core.pendingInterrupts & core.enabledInterrupts) {
          core.waiting = false;
          core.interruptsUpdated = true;
        } else if (this.usb && clock.nanosToNextAlarm > 0) {
          clock.tick(clock.nanosToNextAlarm);
          continue;
        } else if (!this.usb && received.length > 0) {
          clock.tick(Math.max(this.nextByte - clock.nanos, nanos));
          continue;
        } else if (this.manyWait) {
          clock.tick(BYTE_NANOS);
          continue;
        } else {
          return true;
        }
      }
      if (registers[15] >>> 28 > 2) {
        if (core.IPSR === HARD_FAULT) {
          fail('the processor locked up: a fault in the handler of a fault');
        }
        core.exceptionEntry(HARD_FAULT);
      }
      clock.tick(core.executeInstruction() * nanos);
    }
    return false;
  }
}

const received = [];
let machine;
let scheduled = false;
let slept = Date.now();

function turn() {
  scheduled = false;
  if (machine.resetAsked) {
    machine = new Machine(machine.mcu.flash, machine.mcu.sram);
  }
  if (machine.run()) {
    slept = Date.now();
  } else {
    schedule();
  }
}

function schedule() {
  if (!scheduled && machine) {
    scheduled = true;
    setImmediate(turn);
  }
}

/** Time passes for a chip that sleeps, too. */
function wake() {
  if (machine && !scheduled) {
    machine.clock.tick((Date.now() - slept) * 1e6);
    schedule();
  }
}

/** Host and port of tcp:HOST:PORT, whatever options follow. */
function address(text) {
  const [, host, port] = text.split(',')[0].match(/^tcp:(.*):(\d+)$/) ?? fail(`${text} should be like tcp:127.0.0.1:1234`);
  return { host, port: Number(port) };
}
const end = () => process.exit(0);

const line = connect(address(options.serial), () => {
  const flash = new Uint8Array(2 * 1024 * 1024).fill(0xff);
  load(flash, options.kernel);
  for (const device of options.device) {
    // A comma in a value is written twice.
    const parts = device.replaceAll(',,', '\0').split(',').map((part) => part.replaceAll('\0', ','));
    const value = (name) => parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1);
    const [file, at] = [value('file'), Number(value('addr'))];
    const bytes = readFileSync(file);
    if (parts[0] !== 'loader' || !(at >= FLASH && at + bytes.length <= FLASH + flash.length)) {
      fail(`-device ${device}: only bytes of flash are loaded here`);
    }
    flash.set(bytes, at - FLASH);
  }
  machine = new Machine(flash, new Uint8Array(264 * 1024));
  schedule();
});
line.setNoDelay(true);
line.on('data', (bytes) => {
  received.push(...bytes);
  wake();
});
line.on('close', end).on('error', end);

/** Some memory, flash and RAM alike. */
function memory(from, length) {
  const { flash, sram } = machine.mcu;
  return from >= RAM ? sram.slice(from - RAM, from - RAM + length) : flash.slice(from - FLASH, from - FLASH + length);
}

const commands = {
  qmp_capabilities: () => {},
  memsave: ({ val, size, filename }) => writeFileSync(filename, memory(val, size)),
  system_reset: () => {
    received.length = 0;
    machine.resetAsked = true;
    wake();
  },
  // Not QEMU's, whose debugger does it: the program goes on elsewhere.
  jump: ({ address }) => {
    machine.mcu.core.PC = address;
    machine.mcu.core.waiting = false;
    wake();
  },
};

if (options.qmp) {
  const control = connect(address(options.qmp));
  let text = '';
  const say = (message) => control.write(`${JSON.stringify(message)}\n`);
  say({ QMP: {} });
  control.on('error', end).on('data', (bytes) => {
    text += bytes;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      const { execute, arguments: given } = JSON.parse(text.slice(0, at));
      text = text.slice(at + 1);
      const command = commands[execute];
      if (command) {
        command(given);
        say({ return: {} });
      } else {
        say({ error: { desc: `there is no ${execute} here` } });
      }
    }
  });
}
