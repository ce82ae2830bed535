#!/usr/bin/env python3
"""A PJSIP phone for the scenarios: commands on standard input, events as JSON lines on standard output.

usage: pjsua.py REGISTRAR USER PASSWORD SAYS.wav HEARS.wav [srtp=optional|mandatory] [suite=NAME] [codec=NAME]
commands: call URI | press DIGITS | info DIGITS | tones DIGITS | hold | resume | hangup | quit
"""
import json
import sys
import threading

import pjsua2 as pj

registrar, user, password, says, hears = sys.argv[1:6]
ways = dict(word.split("=", 1) for word in sys.argv[6:])
SRTP = {"optional": pj.PJMEDIA_SRTP_OPTIONAL, "mandatory": pj.PJMEDIA_SRTP_MANDATORY}
lock = threading.Lock()


def tell(event, **more):
    with lock:
        print(json.dumps({"event": event, **more}), flush=True)


class Account(pj.Account):
    def onRegState(self, prm):
        tell("registered", status=prm.code)

    def onMwiInfo(self, prm):
        tell("lamp", message=prm.rdata.wholeMsg)

    def onIncomingCall(self, prm):
        call = Call(self, prm.callId)
        Call.current = call
        answer = pj.CallOpParam()
        answer.statusCode = 200
        tell("incoming", **{"from": call.getInfo().remoteUri})
        call.answer(answer)


class Call(pj.Call):
    current = None
    media = None

    def __init__(self, account, call=pj.PJSUA_INVALID_ID):
        super().__init__(account, call)
        self.account = account

    def onCallState(self, prm):
        info = self.getInfo()
        tell("state", state=info.stateText, status=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.media = None

    def onCallMediaState(self, prm):
        info = self.getInfo()
        for stream in info.media:
            if stream.type == pj.PJMEDIA_TYPE_AUDIO and stream.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                audio = self.getAudioMedia(stream.index)
                if self.media is None:
                    player, recorder = pj.AudioMediaPlayer(), pj.AudioMediaRecorder()
                    player.createPlayer(says)
                    recorder.createRecorder(hears)
                    self.media = (player, recorder)
                self.audio = audio
                self.media[0].startTransmit(audio)
                audio.startTransmit(self.media[1])
                tell("media")

    def press_by_info(self, digits):
        param = pj.CallSendDtmfParam()
        param.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
        param.digits = digits
        self.sendDtmf(param)

    def press_by_tones(self, digits):
        # In place of its voice, as from a telephone's keypad.
        self.media[0].stopTransmit(self.audio)
        self.tones = pj.ToneGenerator()
        self.tones.createToneGenerator()
        self.tones.startTransmit(self.audio)
        row = pj.ToneDigitVector()
        for key in digits:
            one = pj.ToneDigit()
            one.digit, one.on_msec, one.off_msec = key, 100, 100
            row.append(one)
        self.tones.playDigits(row)

    def onCallTransferRequest(self, prm):
        # The library calls there by itself.
        tell("referred", to=prm.dstUri)

    def onDtmfDigit(self, prm):
        tell("digit", digit=prm.digit)


def main():
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = 4
    config.logConfig.consoleLevel = 0
    config.logConfig.filename = hears + ".log"
    config.uaConfig.threadCnt = 1
    config.medConfig.ecOptions = 0
    config.medConfig.noVad = True
    endpoint.libInit(config)
    endpoint.audDevManager().setNullDev()
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    if "codec" in ways:
        for codec in endpoint.codecEnum2():
            endpoint.codecSetPriority(codec.codecId, 0)
        endpoint.codecSetPriority(ways["codec"], 255)
    setup = pj.AccountConfig()
    setup.idUri = f"sip:{user}@{registrar}"
    setup.regConfig.registrarUri = f"sip:{registrar}"
    setup.regConfig.timeoutSec = 120
    setup.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
    setup.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    setup.natConfig.iceEnabled = False
    if "srtp" in ways:
        setup.mediaConfig.srtpUse = SRTP[ways["srtp"]]
        # Keys in SIP over UDP: on this machine nobody else reads it.
        setup.mediaConfig.srtpSecureSignaling = 0
    if "suite" in ways:
        suite = pj.SrtpCrypto()
        suite.name = ways["suite"]
        setup.mediaConfig.srtpOpt.cryptos.append(suite)
    account = Account()
    account.create(setup)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        try:
            call = Call.current
            if word == "call":
                Call.current = Call(account)
                Call.current.makeCall(rest, pj.CallOpParam(True))
            elif word == "press":
                call.dialDtmf(rest)
            elif word == "info":
                call.press_by_info(rest)
            elif word == "tones":
                call.press_by_tones(rest)
            elif word == "hold":
                call.setHold(pj.CallOpParam(True))
            elif word == "resume":
                resume = pj.CallOpParam(True)
                resume.opt.flag = pj.PJSUA_CALL_UNHOLD
                call.reinvite(resume)
            elif word == "hangup":
                call.hangup(pj.CallOpParam())
            elif word == "quit":
                break
            tell("done", command=word)
        except Exception as why:  # told to the test, which fails
            tell("failed", command=word, why=str(why))
    endpoint.hangupAllCalls()
    Call.current = None
    endpoint.libDestroy()


main()
