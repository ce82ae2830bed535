//! What a visitor of a mailbox is told, in the languages the exchange knows. Every English text is made of words and phrases that
//! the built-in prompts have, so that it is heard also where no voice is installed; a test in room `server` holds both together.

use crate::{Caller, Entry, Waiting};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use terms::{Text, Tongue, UnixMs, phrases};

phrases! {
    /// Asks for the PIN.
    ENTER_PIN = [
        "Please enter your pin, followed by the pound key.",
        "Bitte geben Sie Ihre Geheimzahl ein und drücken Sie die Raute-Taste.",
        "Veuillez saisir votre code, suivi de la touche dièse.",
        "Introduzca su clave y pulse la tecla almohadilla.",
    ];
    /// It is wrong.
    WRONG_PIN = ["That pin is not right.", "Die Geheimzahl ist nicht richtig.", "Ce code n'est pas correct.", "La clave no es correcta."];
    /// No PIN is looked at for a while.
    LOCKED = [
        "This mailbox is locked. Please try again later.",
        "Dieses Postfach ist gesperrt. Bitte versuchen Sie es später noch einmal.",
        "Cette messagerie est bloquée. Veuillez réessayer plus tard.",
        "Este buzón está bloqueado. Inténtelo de nuevo más tarde.",
    ];
    /// Offered after a message.
    CHOICES = [
        "To hear this message again, press 1. To save it, press 2. To delete it, press 3. For more choices, press 0.",
        "Um diese Nachricht noch einmal zu hören, drücken Sie 1. Um sie zu speichern, 2. Um sie zu löschen, 3. Für weitere Möglichkeiten drücken Sie 0.",
        "Pour réécouter ce message, appuyez sur 1. Pour le conserver, sur 2. Pour l'effacer, sur 3. Pour d'autres choix, appuyez sur 0.",
        "Para volver a escuchar este mensaje, pulse 1. Para guardarlo, pulse 2. Para borrarlo, pulse 3. Para más opciones, pulse 0.",
    ];
    /// Every key.
    HELP = [
        "Press 1 to hear this message. Press 2 to save it. Press 3 to delete it. Press 4 for the previous message. \
         Press 5 for the time and caller. Press 6 for the next message. Press 7 to go back, or 9 to go forward. Press star to leave.",
        "Drücken Sie 1, um diese Nachricht zu hören, 2, um sie zu speichern, 3, um sie zu löschen, 4 für die vorige Nachricht, \
         5 für Zeit und Anrufer, 6 für die nächste Nachricht, 7, um zurück, oder 9, um vor zu springen. Mit der Stern-Taste beenden Sie.",
        "Appuyez sur 1 pour écouter ce message, sur 2 pour le conserver, sur 3 pour l'effacer, sur 4 pour le message précédent, \
         sur 5 pour l'heure et l'appelant, sur 6 pour le message suivant, sur 7 pour reculer ou sur 9 pour avancer. Appuyez sur étoile pour quitter.",
        "Pulse 1 para escuchar este mensaje, 2 para guardarlo, 3 para borrarlo, 4 para el mensaje anterior, \
         5 para la hora y quién llamó, 6 para el mensaje siguiente, 7 para retroceder o 9 para avanzar. Pulse asterisco para salir.",
    ];
    /// A message is kept.
    SAVED = ["Message saved.", "Nachricht gespeichert.", "Message conservé.", "Mensaje guardado."];
    /// A message is gone.
    DELETED = ["Message deleted.", "Nachricht gelöscht.", "Message effacé.", "Mensaje borrado."];
    /// A message could not be deleted or read.
    FAILED = [
        "I am sorry. That did not work.",
        "Das hat leider nicht funktioniert.",
        "Désolé, cela n'a pas fonctionné.",
        "Lo siento, eso no ha funcionado.",
    ];
    /// After the last message.
    NO_MORE = ["There are no more messages.", "Es gibt keine weiteren Nachrichten.", "Il n'y a plus de messages.", "No hay más mensajes."];
    /// Before the first message.
    NO_EARLIER = ["There are no earlier messages.", "Es gibt keine früheren Nachrichten.", "Il n'y a pas de message précédent.", "No hay mensajes anteriores."];
    /// A key that means nothing.
    NOT_OFFERED = [
        "That is not one of the choices.",
        "Diese Taste steht nicht zur Wahl.",
        "Ce choix n'est pas proposé.",
        "Esa opción no existe.",
    ];
    /// The end.
    GOODBYE = ["Goodbye.", "Auf Wiederhören.", "Au revoir.", "Adiós."];
    /// Nobody who has proven anything may come in.
    SHUT = [
        "This mailbox cannot be opened from here.",
        "Dieses Postfach kann von hier nicht geöffnet werden.",
        "Cette messagerie n'est pas accessible d'ici.",
        "Este buzón no se puede abrir desde aquí.",
    ];
    /// What a caller hears before the tone, unless the mailbox or the flow has a greeting.
    LEAVE_A_MESSAGE = [
        "Please leave a message after the tone.",
        "Bitte hinterlassen Sie nach dem Ton eine Nachricht.",
        "Veuillez laisser un message après le signal sonore.",
        "Deje un mensaje después de la señal.",
    ];
}

/// `You have 2 new messages and 1 old message.`
#[must_use]
pub fn counts(waiting: Waiting, tongue: Tongue) -> Text {
    Text::new(tongue, |tongue| {
        let (new, old) = (kind(waiting.new, true, tongue), kind(waiting.old, false, tongue));
        let (have, and) = tongue.pick([("You have", "and"), ("Sie haben", "und"), ("Vous avez", "et"), ("Tiene", "y")]);
        match (waiting.new, waiting.old) {
            (0, 0) => tongue
                .pick(["You have no messages.", "Sie haben keine Nachrichten.", "Vous n'avez pas de messages.", "No tiene mensajes."])
                .to_owned(),
            (_, 0) => format!("{have} {new}."),
            (0, _) => format!("{have} {old}."),
            (_, _) => format!("{have} {new} {and} {old}."),
        }
    })
}

/// So many new (or old) messages.
fn kind(count: u32, is_new: bool, tongue: Tongue) -> String {
    let one = match is_new {
        true => ["1 new message", "eine neue Nachricht", "un nouveau message", "un mensaje nuevo"],
        false => ["1 old message", "eine alte Nachricht", "un ancien message", "un mensaje antiguo"],
    };
    let many = match is_new {
        true => ["new messages", "neue Nachrichten", "nouveaux messages", "mensajes nuevos"],
        false => ["old messages", "alte Nachrichten", "anciens messages", "mensajes antiguos"],
    };
    if count == 1 { tongue.pick(one).to_owned() } else { format!("{count} {}", tongue.pick(many)) }
}

/// `Message 1. From plus 4 4 2 0. Received today at 9:30 AM.`
#[must_use]
pub fn envelope(number: usize, entry: &Entry, zone: &TimeZone, now: UnixMs, tongue: Tongue) -> Text {
    Text::new(tongue, |tongue| {
        let message = tongue.pick(["Message", "Nachricht", "Message", "Mensaje"]);
        format!("{message} {number}. {}. {}.", from(&entry.caller, tongue), received(entry.began, zone, now, tongue))
    })
}

fn from(caller: &Caller, tongue: Tongue) -> String {
    let plus = tongue.pick(["plus", "plus", "plus", "más"]);
    let spoken: String = match (caller.name.trim(), caller.number.trim()) {
        ("", "") => tongue.pick(["an unknown caller", "einem unbekannten Anrufer", "un appelant inconnu", "un número desconocido"]).to_owned(),
        ("", number) if number.chars().all(|c| c.is_ascii_digit() || "+ -()".contains(c)) => {
            let words = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').map(|c| if c == '+' { plus.to_owned() } else { c.to_string() });
            words.collect::<Vec<_>>().join(" ")
        }
        ("", number) => number.to_owned(),
        (name, _) => name.to_owned(),
    };
    format!("{} {spoken}", tongue.pick(["From", "Von", "De", "De"]))
}

/// `Received today at 9:30 AM`, `Received yesterday at …`, `Received on November 22nd at …`.
fn received(at: UnixMs, zone: &TimeZone, now: UnixMs, tongue: Tongue) -> String {
    let local = |moment: UnixMs| -> Option<Zoned> {
        let timestamp = Timestamp::from_millisecond(i64::try_from(moment.0).ok()?).ok()?;
        Some(timestamp.to_zoned(zone.clone()))
    };
    let (Some(at), Some(now)) = (local(at), local(now)) else {
        let unknown = ["Received at an unknown time", "Zu unbekannter Zeit", "Reçu à une heure inconnue", "Recibido a una hora desconocida"];
        return tongue.pick(unknown).to_owned();
    };
    let month = month(at.month(), tongue);
    let day = if at.date() == now.date() {
        tongue.pick(["today", "heute", "aujourd'hui", "hoy"]).to_owned()
    } else if now.date().yesterday().is_ok_and(|before| before == at.date()) {
        tongue.pick(["yesterday", "gestern", "hier", "ayer"]).to_owned()
    } else {
        match tongue {
            Tongue::English => format!("on {month} {}", ordinal(at.day())),
            Tongue::German => format!("am {}. {month}", at.day()),
            Tongue::French if at.day() == 1 => format!("le premier {month}"),
            Tongue::French => format!("le {} {month}", at.day()),
            Tongue::Spanish => format!("el {} de {month}", at.day()),
        }
    };
    let (hour, minute) = (at.hour(), at.minute());
    match tongue {
        Tongue::English => {
            let (hour, half) = match hour {
                0 => (12, "AM"),
                hour @ 1..=11 => (hour, "AM"),
                12 => (12, "PM"),
                hour => (hour - 12, "PM"),
            };
            format!("Received {day} at {hour}:{minute:02} {half}")
        }
        Tongue::German if minute == 0 => format!("Empfangen {day} um {hour} Uhr"),
        Tongue::German => format!("Empfangen {day} um {hour} Uhr {minute}"),
        Tongue::French if minute == 0 => format!("Reçu {day} à {hour} heures"),
        Tongue::French => format!("Reçu {day} à {hour} heures {minute}"),
        Tongue::Spanish => format!("Recibido {day} a las {hour}:{minute:02}"),
    }
}

fn month(number: i8, tongue: Tongue) -> &'static str {
    const MONTHS: [[&str; 4]; 12] = [
        ["January", "Januar", "janvier", "enero"],
        ["February", "Februar", "février", "febrero"],
        ["March", "März", "mars", "marzo"],
        ["April", "April", "avril", "abril"],
        ["May", "Mai", "mai", "mayo"],
        ["June", "Juni", "juin", "junio"],
        ["July", "Juli", "juillet", "julio"],
        ["August", "August", "août", "agosto"],
        ["September", "September", "septembre", "septiembre"],
        ["October", "Oktober", "octobre", "octubre"],
        ["November", "November", "novembre", "noviembre"],
        ["December", "Dezember", "décembre", "diciembre"],
    ];
    let at = usize::try_from(number - 1).unwrap_or(usize::MAX);
    MONTHS.get(at).map_or("", |month| tongue.pick(*month))
}

fn ordinal(day: i8) -> String {
    let ending = match (day % 10, day) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use terms::MessageId;

    #[test]
    fn counts_are_told_as_people_say_them() {
        let told = |new, old| counts(Waiting { new, old }, Tongue::English).own;
        assert_eq!(told(0, 0), "You have no messages.");
        assert_eq!(told(1, 0), "You have 1 new message.");
        assert_eq!(told(2, 1), "You have 2 new messages and 1 old message.");
        assert_eq!(told(0, 7), "You have 7 old messages.");
        let told = |tongue, new, old| counts(Waiting { new, old }, tongue).own;
        assert_eq!(told(Tongue::German, 1, 2), "Sie haben eine neue Nachricht und 2 alte Nachrichten.");
        assert_eq!(told(Tongue::French, 2, 1), "Vous avez 2 nouveaux messages et un ancien message.");
        assert_eq!(told(Tongue::Spanish, 1, 0), "Tiene un mensaje nuevo.");
        assert_eq!(told(Tongue::Spanish, 0, 0), "No tiene mensajes.");
        assert_eq!(counts(Waiting { new: 1, old: 0 }, Tongue::German).english, "You have 1 new message.");
    }

    #[test]
    fn an_envelope_says_who_and_when_in_the_mailboxs_own_zone() {
        let london = TimeZone::get("Europe/London").unwrap();
        // 2026-11-22 09:05 UTC; in July London is an hour ahead.
        let (november, july) = (UnixMs(1_795_338_300_000), UnixMs(1_784_365_500_000));
        let told = |number: &str, name: &str, began, now| {
            let (id, caller) = (MessageId::new(1, [1; 10]), Caller::new(number, name));
            envelope(2, &Entry { id, caller, began, length: Duration::from_secs(4), heard: false }, &london, now, Tongue::English).own
        };
        let day = 86_400_000;
        assert_eq!(told("+4420", "", november, november), "Message 2. From plus 4 4 2 0. Received today at 9:05 AM.");
        assert_eq!(told("", "Ada", november, UnixMs(november.0 + day)), "Message 2. From Ada. Received yesterday at 9:05 AM.");
        assert_eq!(told("", "", july, november), "Message 2. From an unknown caller. Received on July 18th at 10:05 AM.");
        assert_eq!(told("bob", "", UnixMs(november.0 + day / 2), november), "Message 2. From bob. Received today at 9:05 PM.");
    }
    #[test]
    fn an_envelope_is_told_in_the_callers_language() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let (november, july) = (UnixMs(1_795_338_300_000), UnixMs(1_784_365_500_000));
        let told = |tongue, number: &str, began| {
            let (id, caller) = (MessageId::new(1, [1; 10]), Caller::new(number, ""));
            envelope(2, &Entry { id, caller, began, length: Duration::from_secs(4), heard: false }, &zone, november, tongue).own
        };
        assert_eq!(told(Tongue::German, "+4420", november), "Nachricht 2. Von plus 4 4 2 0. Empfangen heute um 10 Uhr 5.");
        assert_eq!(told(Tongue::German, "", july), "Nachricht 2. Von einem unbekannten Anrufer. Empfangen am 18. Juli um 11 Uhr 5.");
        assert_eq!(told(Tongue::French, "+4420", UnixMs(november.0 - 86_400_000 - 300_000)), "Message 2. De plus 4 4 2 0. Reçu hier à 10 heures.");
        assert_eq!(told(Tongue::French, "bob", UnixMs(july.0 - 17 * 86_400_000)), "Message 2. De bob. Reçu le premier juillet à 11 heures 5.");
        assert_eq!(told(Tongue::Spanish, "+4420", july), "Mensaje 2. De más 4 4 2 0. Recibido el 18 de julio a las 11:05.");
    }
}
