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
    press for to and star pound hash new old message messages from at no you have of or \
    today yesterday received on unknown caller an \
    january february march april may june july august september october november december \
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth \
    seventeenth eighteenth nineteenth twentieth thirtieth; do
    say "$word" "$word"
done
for letter in b c d e f g h i j k l m n o p q r s t u v w x y z; do say "letter-$letter" "$letter."; done
say letter-a "eigh."
# Whole sentences of a mailbox (room `voicemail`, `spoken.rs`).
say enter-pin "Please enter your pin, followed by the pound key."
say wrong-pin "That pin is not right."
say locked "This mailbox is locked. Please try again later."
say mailbox-choices "To hear this message again, press one. To save it, press two. To delete it, press three. For more choices, press zero."
say mailbox-help "Press one to hear this message. Press two to save it. Press three to delete it. Press four for the previous message. \
Press five for the time and caller. Press six for the next message. Press seven to go back, or nine to go forward. Press star to leave."
say message-saved "Message saved."
say message-deleted "Message deleted."
say did-not-work "I am sorry. That did not work."
say no-more-messages "There are no more messages."
say no-earlier-messages "There are no earlier messages."
say not-a-choice "That is not one of the choices."
say cannot-be-opened "This mailbox cannot be opened from here."
say something-went-wrong "We are sorry, something went wrong."
say sorry "I am sorry. This message cannot be played right now."
say leave-a-message "Please leave a message after the tone."
say goodbye "Goodbye."
say please-wait "Please wait."
say not-available "The person you are calling is not available."
# Whole sentences and parts of them that a call says of its own (room `call`, `spoken.rs`).
say muted "You are muted."
say unmuted "You can be heard again."
say say-your-name "After the tone, please say your name, then press the pound key."
say has-joined "has joined."
say has-left "has left."
say next-caller "You are the next caller."
say you-are-number "You are number"
say in-the-queue "in the queue."
say parked-at "Your call is parked at"
