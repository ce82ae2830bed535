//! What a call says of its own, in the languages the exchange knows; what a mailbox says is in `voicemail::spoken`. Every English text
//! is made of words and sentences that the built-in prompts have, so that it is heard also where no voice is installed; a test in room
//! `server` holds both together.

use terms::{Text, Tongue, phrases};

phrases! {
    /// What breaks a silence nobody meant; music follows.
    WAIT = ["Please wait.", "Bitte warten.", "Veuillez patienter.", "Espere, por favor."];
    /// Stands in for a prompt that must be heard and cannot be.
    SORRY = [
        "I am sorry. This message cannot be played right now.",
        "Es tut mir leid. Diese Ansage kann gerade nicht abgespielt werden.",
        "Désolé. Ce message ne peut pas être diffusé pour le moment.",
        "Lo siento. Este mensaje no se puede reproducir en este momento.",
    ];
    /// In a conference: nobody hears the caller any more.
    MUTED = ["You are muted.", "Ihr Mikrofon ist stummgeschaltet.", "Votre micro est coupé.", "Su micrófono está silenciado."];
    /// Everybody does again.
    UNMUTED = ["You can be heard again.", "Man kann Sie wieder hören.", "On vous entend de nouveau.", "Ya se le oye de nuevo."];
    /// At the door of a conference that announces names; a tone follows.
    SAY_YOUR_NAME = [
        "After the tone, please say your name, then press the pound key.",
        "Bitte nennen Sie nach dem Ton Ihren Namen und drücken Sie dann die Raute-Taste.",
        "Après le signal sonore, dites votre nom, puis appuyez sur la touche dièse.",
        "Después de la señal, diga su nombre y pulse la tecla almohadilla.",
    ];
    /// Follows a name in its own voice.
    HAS_JOINED = ["has joined.", "ist der Konferenz beigetreten.", "a rejoint la conférence.", "se ha unido a la conferencia."];
    /// Follows a name in its own voice.
    HAS_LEFT = ["has left.", "hat die Konferenz verlassen.", "a quitté la conférence.", "ha salido de la conferencia."];
    /// The first of a queue.
    NEXT = ["You are the next caller.", "Sie sind als Nächstes an der Reihe.", "Vous êtes le prochain appel.", "Usted es el siguiente."];
}

/// Where somebody stands in a queue: `You are number 3 in the queue.` 1 is the next.
#[must_use]
pub fn position(position: u32, tongue: Tongue) -> Text {
    if position == 1 {
        return NEXT.text(tongue);
    }
    Text::new(tongue, |tongue| match tongue {
        Tongue::English => format!("You are number {position} in the queue."),
        Tongue::German => format!("Sie sind Nummer {position} in der Warteschlange."),
        Tongue::French => format!("Vous êtes le numéro {position} dans la file d'attente."),
        Tongue::Spanish => format!("Usted es el número {position} en la cola."),
    })
}

/// `Your call is parked at 7 0 1.`
#[must_use]
pub fn parked_at(place: u32, tongue: Tongue) -> Text {
    let digits = place.to_string().chars().map(String::from).collect::<Vec<_>>().join(" ");
    Text::new(tongue, |tongue| {
        let before = ["Your call is parked at", "Ihr Anruf ist geparkt auf", "Votre appel est mis en attente sur", "Su llamada está aparcada en"];
        format!("{} {digits}.", tongue.pick(before))
    })
}
