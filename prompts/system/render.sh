#!/bin/sh
# Renders the built-in prompts of last resort: flite's voice "slt" (free: Carnegie Mellon's BSD-like licence), 8 kHz, 16 bit, mono,
# silence at both ends cut. Needs flite and sox. Run it here; the files are committed, so nobody else needs to.
set -eu
cd "$(dirname "$0")"
say() {
    flite -voice slt -t "$2" -o "/tmp/callflow-prompt.$$.wav"
    sox "/tmp/callflow-prompt.$$.wav" -b 16 -c 1 "$1.wav" \
        gain -4 rate 8000 silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse pad 0.03 0.05 norm -4
    rm "/tmp/callflow-prompt.$$.wav"
}
for word in zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen \
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million point minus plus oh percent \
    press for to and star pound hash new old message messages from at no you have of or; do
    say "$word" "$word"
done
for letter in b c d e f g h i j k l m n o p q r s t u v w x y z; do say "letter-$letter" "$letter."; done
say letter-a "eigh."
say sorry "I am sorry. This message cannot be played right now."
say leave-a-message "Please leave a message after the tone."
say goodbye "Goodbye."
say please-wait "Please wait."
say not-available "The person you are calling is not available."
